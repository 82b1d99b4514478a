import { useRef } from 'react';
import type { ReactElement } from 'react';

import { pickOf, type Pick } from '../client/picked';
import type { Actions } from '../model/actions';
import { TYPES, type FileType, type Query } from '../model/table';
import { Icon, IconButton, useKit, useSignal, useTrans } from './kit';
import type { Trans } from './text';

interface ToolbarProps {
  readonly actions: Actions;
  readonly onPick: (pick: Pick) => void;
  readonly accept?: string | undefined;
  readonly isMultiple?: boolean | undefined;
}

/** What can be done with the whole: bring files in, take all of them out, look into the trash. */
export function Toolbar(props: ToolbarProps): ReactElement {
  const { actions } = props;
  const trans = useTrans();
  const page = useSignal(actions.browse.page);
  const isEmpty = useSignal(actions.browse.files).length === 0;
  return (
    <div className="jp-FA-toolbar" role="toolbar" aria-label={trans.__('Files & Artifacts')}>
      {actions.browse.scope !== 'artifact' && <Entrance {...props} />}
      <span className="jp-FA-spacer" />
      <IconButton
        icon="refresh"
        label={trans.__('List the files again')}
        onClick={() => void actions.browse.model.refresh()}
      />
      <IconButton
        icon="archive"
        label={trans.__('Download all as a zip')}
        isDisabled={isEmpty}
        onClick={() => actions.downloadAll()}
      />
      <IconButton
        icon="trash"
        label={trans.__('Show the trash')}
        isPressed={page === 'trash'}
        onClick={() => actions.browse.page.set(page === 'trash' ? 'files' : 'trash')}
      />
    </div>
  );
}

/** The ways in: from the computer, files or a folder, and from the server. */
function Entrance({ actions, onPick, accept, isMultiple = true }: ToolbarProps): ReactElement {
  const { trans, host } = useKit();
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const isClosed = useSignal(actions.browse.model.session).status !== 'active';
  return (
    <>
      <button
        type="button"
        className="jp-FA-upload"
        title={trans.__('Upload files from your computer')}
        disabled={isClosed}
        onClick={() => files.current?.click()}
      >
        <Icon name="upload" />
        <span>{trans.__('Upload')}</span>
      </button>
      {isMultiple && (
        <IconButton
          icon="folderUp"
          label={trans.__('Upload a folder')}
          isDisabled={isClosed}
          onClick={() => folder.current?.click()}
        />
      )}
      {host.pickFromServer !== undefined && (
        <IconButton
          icon="attach"
          label={trans.__('Attach files from the server')}
          isDisabled={isClosed}
          onClick={() => void actions.attach()}
        />
      )}
      <FileField inputRef={files} onPick={onPick} accept={accept} isMultiple={isMultiple} />
      <FileField inputRef={folder} onPick={onPick} isFolder isMultiple />
    </>
  );
}

interface FileFieldProps {
  readonly inputRef: React.RefObject<HTMLInputElement>;
  readonly onPick: (pick: Pick) => void;
  readonly accept?: string | undefined;
  readonly isMultiple: boolean;
  readonly isFolder?: boolean;
}

/** The browser's own chooser, which a button opens. */
function FileField(props: FileFieldProps): ReactElement {
  const { inputRef, onPick, accept, isMultiple, isFolder = false } = props;
  // React does not know this attribute by its type.
  const folder = isFolder ? { webkitdirectory: '' } : {};
  return (
    <input
      ref={inputRef}
      type="file"
      hidden
      multiple={isMultiple}
      accept={accept}
      {...folder}
      onChange={event => {
        const input = event.currentTarget;
        onPick(pickOf(input.files ?? []));
        // Else the same file could not be chosen again.
        input.value = '';
      }}
    />
  );
}

/** What to list: words, where files come from, what they are. */
export function Filters({ actions }: { readonly actions: Actions }): ReactElement {
  const trans = useTrans();
  const query = useSignal(actions.browse.query);
  return (
    <div className="jp-FA-filters" role="search" aria-label={trans.__('Files & Artifacts')}>
      <Search query={query} onText={text => actions.browse.ask({ text })} />
      <select
        aria-label={trans.__('Type of file')}
        value={query.type}
        onChange={event => actions.browse.ask({ type: event.currentTarget.value as Query['type'] })}
      >
        <option value="all">{trans.__('All types')}</option>
        {TYPES.map(type => (
          <option key={type} value={type}>
            {typeName(type, trans)}
          </option>
        ))}
      </select>
      {actions.browse.scope === 'all' && <Kinds actions={actions} />}
    </div>
  );
}

function Kinds({ actions }: { readonly actions: Actions }): ReactElement {
  const trans = useTrans();
  const query = useSignal(actions.browse.query);
  const kinds = {
    all: trans.__('All'),
    attachment: trans.__('Uploaded'),
    artifact: trans.__('From cells')
  };
  return (
    <div className="jp-FA-kinds" role="group" aria-label={trans.__('Where files come from')}>
      {(Object.keys(kinds) as (keyof typeof kinds)[]).map(kind => (
        <button
          key={kind}
          type="button"
          aria-pressed={query.kind === kind}
          onClick={() => actions.browse.ask({ kind })}
        >
          {kinds[kind]}
        </button>
      ))}
    </div>
  );
}

interface SearchProps {
  readonly query: Query;
  readonly onText: (text: string) => void;
}

function Search({ query, onText }: SearchProps): ReactElement {
  const trans = useTrans();
  return (
    <label className="jp-FA-search">
      <Icon name="search" />
      <input
        type="search"
        data-lm-suppress-shortcuts="true"
        value={query.text}
        placeholder={trans.__('Search files')}
        aria-label={trans.__('Search files')}
        onChange={event => onText(event.currentTarget.value)}
        onKeyDown={event => event.key === 'Escape' && onText('')}
      />
    </label>
  );
}

function typeName(type: FileType, trans: Trans): string {
  const names: Record<FileType, string> = {
    image: trans.__('Images'),
    table: trans.__('Tables'),
    text: trans.__('Text and code'),
    notebook: trans.__('Notebooks'),
    pdf: trans.__('PDF'),
    audio: trans.__('Audio'),
    video: trans.__('Video'),
    other: trans.__('Other')
  };
  return names[type];
}
