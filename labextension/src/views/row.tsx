import { memo, useCallback, useEffect, useRef, useState } from 'react';
import type { DragEvent, KeyboardEvent, MouseEvent, ReactElement } from 'react';

import type { Turns } from '../client/turns';
import type { FileRecord } from '../client/wire';
import type { Actions } from '../model/actions';
import { codeLines } from '../model/code';
import { folderName, formatAge, formatSize, shownName } from '../model/format';
import type { Mode } from '../model/selection';
import { typeOf, type FileType } from '../model/table';
import { Icon, IconButton, useKit, useSignal, useTrans, type IconName } from './kit';
import { ROW_PX } from './measures';

interface RowProps {
  readonly id: string;
  readonly actions: Actions;
  readonly file: FileRecord;
  readonly index: number;
  /** Rows near to those in sight are drawn, too, but fetch nothing. */
  readonly isInSight: boolean;
  readonly isChosen: boolean;
  readonly hasFocus: boolean;
  readonly isFresh: boolean;
  readonly isRenaming: boolean;
  readonly now: number;
}

/** Twice what is drawn, for fine screens. */
const THUMBNAIL_PX = 64;

const ICONS: Readonly<Record<FileType, IconName>> = {
  image: 'image',
  table: 'table',
  text: 'text',
  notebook: 'notebook',
  pdf: 'pdf',
  audio: 'audio',
  video: 'video',
  other: 'file'
};

/** One file. */
export const Row = memo(function Row(props: RowProps): ReactElement {
  const { actions, file } = props;
  const { trans, language } = useKit();
  // Hundreds of buttons that nobody sees would make scrolling slow.
  const [isUnderMouse, setUnderMouse] = useState(false);
  const marks = [
    'jp-FA-row',
    props.isChosen ? 'jp-mod-selected' : '',
    props.hasFocus ? 'jp-mod-focused' : '',
    props.isFresh ? 'jp-mod-fresh' : ''
  ];
  return (
    <div
      id={props.id}
      data-id={file.attachment_id}
      role="row"
      className={marks.join(' ')}
      aria-rowindex={props.index + 2}
      aria-selected={props.isChosen}
      style={{ top: props.index * ROW_PX }}
      title={file.path}
      onClick={(event: MouseEvent) => actions.browse.choose(file.attachment_id, modeOf(event))}
      onMouseEnter={() => setUnderMouse(true)}
      onMouseLeave={() => setUnderMouse(false)}
      onDoubleClick={() => props.isRenaming || actions.open()}
      draggable={!props.isRenaming}
      onDragStart={event => carry(event, actions, file)}
    >
      <div role="gridcell" className="jp-FA-name">
        <Picture actions={actions} file={file} isInSight={props.isInSight} />
        {props.isRenaming ? <NameField actions={actions} file={file} /> : <Name file={file} />}
      </div>
      <div role="gridcell" className="jp-FA-modified">
        <time dateTime={file.modified_at}>{formatAge(file.modified_at, props.now, language)}</time>
      </div>
      <div role="gridcell" className="jp-FA-size">
        <span className="jp-FA-amount">{formatSize(file.size)}</span>
        {isUnderMouse && !props.isRenaming && (
          <span className="jp-FA-quick">
            <IconButton
              icon="download"
              label={trans.__('Download %1', file.name)}
              isTabStop={false}
              onClick={() => actions.downloadOne(file)}
            />
          </span>
        )}
      </div>
    </div>
  );
});

/** The name and, of artifacts, the cell that made them. `bdi` keeps names of any script in their place. */
function Name({ file }: { readonly file: FileRecord }): ReactElement {
  const trans = useTrans();
  const folder = folderName(file.path).replace(/^attachments(\/|$)/, '');
  const cell = file.provenance?.execution_count;
  return (
    <span className="jp-FA-label">
      <bdi>{shownName(file.name)}</bdi>
      {folder !== '' && <span className="jp-FA-folder">{`${folder}/`}</span>}
      {cell != null && (
        <span className="jp-FA-cell" title={trans.__('Written by the cell with the number [%1]', String(cell))}>
          {trans.__('cell %1', String(cell))}
        </span>
      )}
    </span>
  );
}

interface PictureProps {
  readonly actions: Actions;
  readonly file: FileRecord;
  readonly isInSight: boolean;
}

/** A thumbnail of a picture, the sign of its type of anything else. */
function Picture({ actions, file, isInSight }: PictureProps): ReactElement {
  const { model } = actions.browse;
  const [broken, setBroken] = useState('');
  useSignal(model.hasPreviews);
  const wanted = model.pictureUrl(file, THUMBNAIL_PX);
  const { url, settle } = useTurn(model.client.previews, wanted, isInSight);
  const img = useCallOff();
  const fail = (): void => {
    setBroken(url ?? '');
    settle();
  };
  return (
    <span className="jp-FA-picture" data-kind={file.kind}>
      {url !== null && url !== broken ? (
        <img ref={img} src={url} alt="" decoding="async" draggable={false} onLoad={settle} onError={fail} />
      ) : (
        <Icon name={ICONS[typeOf(file)]} />
      )}
    </span>
  );
}

/** Calls off the request of a picture whose row goes; by itself a browser would bring it to an end. */
function useCallOff(): (element: HTMLImageElement | null) => void {
  const last = useRef<HTMLImageElement | null>(null);
  return useCallback(element => {
    if (element === null) {
      last.current?.removeAttribute('src');
    }
    last.current = element;
  }, []);
}

/** The address, once it is its turn to be fetched; `settle` lets the next one begin. */
function useTurn(
  turns: Turns,
  wanted: string | null,
  isInSight: boolean
): { url: string | null; settle: () => void } {
  const [mine, setMine] = useState<string | null>(null);
  const end = useRef<(() => void) | null>(null);
  useEffect(() => {
    if (wanted === null || !isInSight || mine === wanted) {
      return undefined;
    }
    let hasBegun = false;
    end.current?.();
    end.current = turns.take(() => {
      hasBegun = true;
      setMine(wanted);
    });
    // Out of sight before its turn it waits no longer; what has begun comes to its end.
    return () => {
      if (!hasBegun) {
        end.current?.();
      }
    };
  }, [turns, wanted, isInSight, mine]);
  useEffect(() => () => end.current?.(), []);
  return { url: mine === wanted ? mine : null, settle: () => end.current?.() };
}

/** The name while it is edited: Enter takes it, Escape and leaving do not change anything. */
function NameField({ actions, file }: { readonly actions: Actions; readonly file: FileRecord }): ReactElement {
  const trans = useTrans();
  const ref = useRef<HTMLInputElement>(null);
  const { browse } = actions;
  useEffect(() => {
    const dot = file.name.lastIndexOf('.');
    ref.current?.focus();
    // The ending mostly stays, so it is not under the first keystroke.
    ref.current?.setSelectionRange(0, dot > 0 ? dot : file.name.length);
  }, [file.name]);
  const leave = (): void => {
    const grid = ref.current?.closest<HTMLElement>('[role=grid]');
    browse.renaming.set(null);
    grid?.focus();
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    event.stopPropagation();
    const name = event.currentTarget.value.trim();
    if (event.key === 'Escape') {
      leave();
    } else if (event.key === 'Enter' && name !== '') {
      void browse.model.rename(file, name);
      leave();
    }
  };
  return (
    <input
      ref={ref}
      className="jp-FA-field"
      data-lm-suppress-shortcuts="true"
      defaultValue={file.name}
      aria-label={trans.__('New name of %1', file.name)}
      dir="auto"
      onKeyDown={onKeyDown}
      onClick={event => event.stopPropagation()}
      onDoubleClick={event => event.stopPropagation()}
      onBlur={() => browse.renaming.set(null)}
    />
  );
}

/** A row dragged into a cell is the code that loads it; dragged out of the browser it is the file (Chromium). */
function carry(event: DragEvent, actions: Actions, file: FileRecord): void {
  const { browse } = actions;
  if (!browse.selection.get().ids.has(file.attachment_id)) {
    browse.choose(file.attachment_id, 'only');
  }
  const { dataTransfer } = event;
  dataTransfer.effectAllowed = 'copy';
  dataTransfer.setData('text/plain', codeLines(browse.chosenFiles()));
  // Chromium splits it at the colons: type, name, address.
  const name = file.name.replace(/:/g, '-');
  dataTransfer.setData('DownloadURL', `application/octet-stream:${name}:${browse.model.client.downloadUrl(file)}`);
}

function modeOf(event: MouseEvent): Mode {
  if (event.shiftKey) {
    return 'range';
  }
  return event.ctrlKey || event.metaKey ? 'toggle' : 'only';
}
