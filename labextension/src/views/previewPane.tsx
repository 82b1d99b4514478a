import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';

import type { FileRecord } from '../client/wire';
import type { Actions } from '../model/actions';
import { formatMoment, formatSize, shownName } from '../model/format';
import { previewOf, type Cell, type Preview } from '../model/preview';
import type { SessionModel } from '../model/session';
import { Broken, NoPreview } from './broken';
import { Divider } from './divider';
import { IconButton, useKit, useSignal, useTrans } from './kit';
import { sentenceOf } from './sentences';
import type { Trans } from './text';

/** How long the focus must rest on a row before its file is read, in milliseconds. */
const REST_MS = 120;
/** How much of the panel's height it takes at first, in percent. */
const SHARE = 45;

type Look =
  | { readonly state: 'loading' }
  | { readonly state: 'failed'; readonly error: Error }
  | { readonly state: 'ready'; readonly preview: Preview };

/** The head of the file with the focus, below the list. */
export function PreviewPane({ actions }: { readonly actions: Actions }): ReactElement | null {
  const { browse } = actions;
  const isOpen = useSignal(browse.isPreviewing);
  useSignal(browse.selection);
  useSignal(browse.model.files);
  const [share, setShare] = useState(SHARE);
  const file = browse.focused();
  return isOpen && file !== null ? (
    <Pane actions={actions} file={file} share={share} onShare={setShare} />
  ) : null;
}

interface PaneProps {
  readonly actions: Actions;
  readonly file: FileRecord;
  /** Its part of the panel's height, in percent. */
  readonly share: number;
  readonly onShare: (share: number) => void;
}

function Pane({ actions, file, share, onShare }: PaneProps): ReactElement {
  const { host, trans } = useKit();
  const look = useLook(actions, file);
  const [pixels, setPixels] = useState<Pixels | null>(null);
  return (
    <section
      className="jp-FA-preview"
      aria-label={trans.__('Preview of %1', file.name)}
      style={{ flexBasis: `${share}%` }}
    >
      <Divider share={share} onShare={onShare} />
      <header>
        <h4>
          <bdi>{shownName(file.name)}</bdi>
        </h4>
        {host.open !== undefined && (
          <IconButton icon="open" label={trans.__('Open %1', file.name)} onClick={() => host.open?.(file)} />
        )}
        <IconButton
          icon="download"
          label={trans.__('Download %1', file.name)}
          onClick={() => actions.downloadOne(file)}
        />
        <IconButton
          icon="close"
          label={trans.__('Close the preview')}
          onClick={() => actions.browse.isPreviewing.set(false)}
        />
      </header>
      <div className="jp-FA-previewBody" tabIndex={0} role="group" aria-label={trans.__('Content')}>
        <Content model={actions.browse.model} look={look} file={file} onPixels={setPixels} />
      </div>
      <Facts file={file} look={look} pixels={pixels} />
    </section>
  );
}

function useLook(actions: Actions, file: FileRecord): Look {
  const [look, setLook] = useState<Look>({ state: 'loading' });
  const { model } = actions.browse;
  useEffect(() => {
    let isWanted = true;
    const become = (next: Look): void => {
      if (isWanted) {
        setLook(next);
      }
    };
    const read = async (): Promise<void> => {
      try {
        become({ state: 'ready', preview: await previewOf(model, file) });
      } catch (error) {
        become({ state: 'failed', error: error as Error });
      }
    };
    setLook({ state: 'loading' });
    const timer = setTimeout(() => void read(), REST_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
    // A version never changes.
  }, [model, file.artifact_id]);
  return look;
}

/** The size of the picture at an address, in pixels. */
interface Pixels {
  readonly url: string;
  readonly width: number;
  readonly height: number;
}

interface ContentProps {
  readonly model: SessionModel;
  readonly look: Look;
  readonly file: FileRecord;
  readonly onPixels: (pixels: Pixels) => void;
}

function Content({ model, look, file, onPixels }: ContentProps): ReactElement {
  const trans = useTrans();
  if (look.state === 'loading') {
    return <p className="jp-FA-quiet">{trans.__('Loading…')}</p>;
  }
  if (look.state === 'failed') {
    const { what, todo } = sentenceOf(look.error, trans);
    return (
      <p className="jp-FA-quiet" role="alert">
        {what} {todo}
      </p>
    );
  }
  return <Form model={model} preview={look.preview} file={file} onPixels={onPixels} />;
}

interface FormProps {
  readonly model: SessionModel;
  readonly preview: Preview;
  readonly file: FileRecord;
  readonly onPixels: (pixels: Pixels) => void;
}

function Form({ model, preview, file, onPixels }: FormProps): ReactElement {
  const trans = useTrans();
  switch (preview.form) {
    case 'image':
      return <Picture model={model} preview={preview} file={file} onPixels={onPixels} />;
    case 'audio':
    case 'video':
      return <Player file={file} form={preview.form} url={preview.url} />;
    case 'table':
      return (
        <>
          <TableHead rows={preview.rows} />
          <Cut isCut={preview.isCut} />
        </>
      );
    case 'markdown':
      return <Rendered text={preview.text} />;
    case 'text':
      return (
        <>
          <pre dir="auto">{preview.text}</pre>
          <Cut isCut={preview.isCut} />
        </>
      );
    case 'notebook':
      return (
        <>
          {preview.cells.map((cell, place) => (
            <NotebookCell key={place} cell={cell} />
          ))}
          <Cut isCut={preview.isCut} />
        </>
      );
    case 'empty':
      return <p className="jp-FA-quiet">{trans.__('The file is empty.')}</p>;
    case 'none':
      return <NoPreview cause={preview.cause} />;
  }
}

interface PictureProps {
  readonly model: SessionModel;
  readonly preview: Extract<Preview, { form: 'image' }>;
  readonly file: FileRecord;
  readonly onPixels: (pixels: Pixels) => void;
}

/** A picture, or why there is none: a PDF may be locked, a picture may be broken or a bomb. */
function Picture({ model, preview: { url, isOriginal }, file, onPixels }: PictureProps): ReactElement {
  const [broken, setBroken] = useState('');
  return broken === url ? (
    <Broken model={isOriginal ? null : model} file={file} />
  ) : (
    <img
      className="jp-FA-large"
      src={url}
      alt={file.name}
      onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) =>
        onPixels({ url, width, height })
      }
      onError={() => setBroken(url)}
    />
  );
}

interface PlayerProps {
  readonly file: FileRecord;
  readonly form: 'audio' | 'video';
  readonly url: string;
}

/** Sound or a film, or the word that the browser cannot play it. A file brought no captions along. */
function Player({ file, form: Form, url }: PlayerProps): ReactElement {
  const [broken, setBroken] = useState('');
  return broken === url ? <Broken model={null} file={file} /> : (
    // What the pane has itself is left out, so that there is room to seek.
    <Form controls controlsList="nodownload noplaybackrate" src={url} onError={() => setBroken(url)} />
  );
}

function TableHead({ rows }: { readonly rows: readonly (readonly string[])[] }): ReactElement {
  const [head = [], ...body] = rows;
  return (
    <table>
      <thead>
        <tr>
          {head.map((cell, place) => (
            <th key={place} scope="col">
              {cell}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {body.map((row, line) => (
          <tr key={line}>
            {row.map((cell, place) => (
              <td key={place} data-number={cell !== '' && !isNaN(Number(cell))}>
                {cell}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function NotebookCell({ cell }: { readonly cell: Cell }): ReactElement {
  return cell.isCode ? (
    <div className="jp-FA-codeCell">
      {cell.run !== undefined && <span className="jp-FA-prompt">[{cell.run ?? ' '}]:</span>}
      <pre dir="ltr">{cell.source}</pre>
    </div>
  ) : (
    <pre className="jp-FA-textCell" dir="auto">
      {cell.source}
    </pre>
  );
}

/** Markdown through the application's own renderer, which takes out what could run; else as text. */
function Rendered({ text }: { readonly text: string }): ReactElement {
  const { host } = useKit();
  const place = useRef<HTMLDivElement>(null);
  const [isPlain, setPlain] = useState(host.render === undefined);
  // The renderer wants to be taken out before its place goes.
  useLayoutEffect(() => {
    let isWanted = true;
    let clear = (): void => undefined;
    if (place.current !== null) {
      host
        .render?.('text/markdown', text, place.current)
        .then(takeOut => (isWanted ? (clear = takeOut) : takeOut()))
        .catch(() => isWanted && setPlain(true));
    }
    return () => {
      isWanted = false;
      clear();
    };
  }, [host, text]);
  return isPlain ? <pre dir="auto">{text}</pre> : <div ref={place} className="jp-FA-rendered" />;
}

function Cut({ isCut }: { readonly isCut: boolean }): ReactElement | null {
  const trans = useTrans();
  return isCut ? <p className="jp-FA-quiet">{trans.__('This is the beginning; there is more in the file.')}</p> : null;
}

interface FactsProps {
  readonly file: FileRecord;
  readonly look: Look;
  readonly pixels: Pixels | null;
}

/** What is known of the file besides its content. */
function Facts({ file, look, pixels }: FactsProps): ReactElement {
  const { trans, language } = useKit();
  const made = file.kind === 'artifact' ? trans.__('from a cell') : trans.__('uploaded');
  const cell = file.provenance?.execution_count;
  const facts = [
    formatSize(file.size),
    look.state === 'ready' ? shapeOf(look.preview, pixels, trans) : '',
    file.mime,
    cell == null ? made : trans.__('from cell %1', String(cell)),
    formatMoment(file.modified_at, language)
  ];
  return (
    <footer>
      {facts
        .filter(fact => fact !== '')
        .map(fact => (
          <span key={fact}>{fact}</span>
        ))}
    </footer>
  );
}

/** How much there is in a file, in the words of its kind; '' where nobody knows. */
function shapeOf(preview: Preview, pixels: Pixels | null, trans: Trans): string {
  if (preview.form === 'image' && preview.isOriginal && pixels?.url === preview.url) {
    return trans.__('%1 × %2 px', String(pixels.width), String(pixels.height));
  }
  if (preview.form !== 'table') {
    return '';
  }
  const { rows, rowCount, columnCount } = preview;
  const lines =
    rowCount === null
      ? trans._n('first row', 'first %1 rows', Math.max(1, rows.length - 1))
      : trans._n('%1 row', '%1 rows', rowCount);
  return columnCount === null ? lines : `${lines} × ${trans._n('%1 column', '%1 columns', columnCount)}`;
}
