import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';

import type { FileRecord } from '../client/wire';
import type { Actions } from '../model/actions';
import { formatSize, shownName } from '../model/format';
import { previewOf, type Cell, type Preview } from '../model/preview';
import { Icon, IconButton, useKit, useSignal, useTrans } from './kit';
import { sentenceOf } from './sentences';

/** How long the focus must rest on a row before its file is read, in milliseconds. */
const REST_MS = 120;

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
  const file = browse.focused();
  return isOpen && file !== null ? <Pane actions={actions} file={file} /> : null;
}

function Pane({ actions, file }: { readonly actions: Actions; readonly file: FileRecord }): ReactElement {
  const { host, trans } = useKit();
  const look = useLook(actions, file);
  return (
    <section className="jp-FA-preview" aria-label={trans.__('Preview of %1', file.name)}>
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
        <Content look={look} file={file} />
      </div>
      <Facts file={file} />
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

function Content({ look, file }: { readonly look: Look; readonly file: FileRecord }): ReactElement {
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
  return <Form preview={look.preview} file={file} />;
}

function Form({ preview, file }: { readonly preview: Preview; readonly file: FileRecord }): ReactElement {
  const trans = useTrans();
  switch (preview.form) {
    case 'image':
      return <Picture url={preview.url} file={file} />;
    case 'audio':
    case 'video':
      return <Player form={preview.form} url={preview.url} />;
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
      return (
        <p className="jp-FA-quiet">{trans.__('There is no preview of this type. Download the file to see it.')}</p>
      );
  }
}

/** A picture, or the word that there is none: a PDF may be locked, a picture may be broken. */
function Picture({ url, file }: { readonly url: string; readonly file: FileRecord }): ReactElement {
  const [broken, setBroken] = useState('');
  return broken === url ? (
    <Broken />
  ) : (
    <img className="jp-FA-large" src={url} alt={file.name} onError={() => setBroken(url)} />
  );
}

interface PlayerProps {
  readonly form: 'audio' | 'video';
  readonly url: string;
}

/** Sound or a film, or the word that the browser cannot play it. A file brought no captions along. */
function Player({ form: Form, url }: PlayerProps): ReactElement {
  const [broken, setBroken] = useState('');
  return broken === url ? <Broken /> : <Form controls src={url} onError={() => setBroken(url)} />;
}

function Broken(): ReactElement {
  const trans = useTrans();
  return (
    <p className="jp-FA-quiet">{trans.__('This file cannot be shown. Download it to see what is in it.')}</p>
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
  return (
    <pre className={cell.isCode ? 'jp-FA-codeCell' : 'jp-FA-textCell'} dir="auto">
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

/** What is known of the file besides its content. */
function Facts({ file }: { readonly file: FileRecord }): ReactElement {
  const trans = useTrans();
  const made = file.kind === 'artifact' ? trans.__('made here') : trans.__('uploaded');
  const cell = file.provenance?.execution_count;
  const facts = [
    formatSize(file.size),
    file.mime,
    cell == null ? made : trans.__('made by cell [%1]', String(cell)),
    new Date(file.modified_at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })
  ];
  return (
    <footer>
      {facts.map(fact => (
        <span key={fact}>{fact}</span>
      ))}
      <Icon name={file.kind === 'artifact' ? 'code' : 'upload'} />
    </footer>
  );
}
