import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import type { ComponentType, Context, ReactElement } from 'react';

import { WorkspaceError } from '../client/errors';
import type { Host } from '../model/host';
import type { Readable } from '../model/signal';
import { plainIcons } from './icons';
import { english, type Trans } from './text';

/** The pictures that views use; JupyterLab brings its own. */
export type IconName =
  | 'add'
  | 'archive'
  | 'attach'
  | 'audio'
  | 'clear'
  | 'close'
  | 'code'
  | 'copy'
  | 'delete'
  | 'down'
  | 'download'
  | 'edit'
  | 'erase'
  | 'error'
  | 'file'
  | 'folder'
  | 'folderUp'
  | 'image'
  | 'notebook'
  | 'open'
  | 'pause'
  | 'pdf'
  | 'preview'
  | 'refresh'
  | 'resume'
  | 'reveal'
  | 'search'
  | 'table'
  | 'text'
  | 'trash'
  | 'undo'
  | 'up'
  | 'upload'
  | 'video';

/** A picture for each name. */
export type Icons = Readonly<Record<IconName, ComponentType>>;

/** What the surroundings bring to the views. */
export interface Kit {
  readonly trans: Trans;
  /** The language of those sentences (BCP 47), for dates and numbers. */
  readonly language: string;
  readonly icons: Icons;
  readonly host: Host;
}

/** Pages that came over plain HTTP may not write to the clipboard. */
async function copyPlainly(text: string): Promise<void> {
  if (!('clipboard' in navigator)) {
    throw new WorkspaceError(0, { message: 'The clipboard is closed.', code: 'clipboard_closed' });
  }
  await navigator.clipboard.writeText(text);
}

/** A page without anything of its own. */
export const plainKit: Kit = {
  trans: english,
  language: 'en',
  icons: plainIcons,
  host: { copy: copyPlainly }
};

export const KitContext: Context<Kit> = createContext(plainKit);

/** The surroundings of a view. */
export function useKit(): Kit {
  return useContext(KitContext);
}

/** The sentences in the person's language. */
export function useTrans(): Trans {
  return useKit().trans;
}

/** A value that may change; the view is drawn again when it does. */
export function useSignal<T>(signal: Readable<T>): T {
  return useSyncExternalStore(signal.subscribe, signal.get);
}

/** The time now, in milliseconds, again after each `everyMs`. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

interface IconProps {
  readonly name: IconName;
}

/** A picture that says nothing to a screen reader; its button does. */
export function Icon({ name }: IconProps): ReactElement {
  const Picture = useKit().icons[name];
  return (
    <span className="jp-FA-icon" aria-hidden="true">
      <Picture />
    </span>
  );
}

interface IconButtonProps {
  /** What stands beside the picture where there is room; a part of the label. */
  readonly word?: string;
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: () => void;
  readonly isDisabled?: boolean;
  /** False takes it out of the way of the Tab key: the same can be done by key. */
  readonly isTabStop?: boolean;
  readonly isPressed?: boolean;
}

/** A button that is a picture; its label is its name and its tooltip. */
export function IconButton(props: IconButtonProps): ReactElement {
  return (
    <button
      type="button"
      className="jp-FA-button"
      title={props.label}
      aria-label={props.label}
      aria-pressed={props.isPressed}
      disabled={props.isDisabled}
      tabIndex={props.isTabStop === false ? -1 : undefined}
      onClick={event => {
        event.stopPropagation();
        props.onClick();
      }}
    >
      <Icon name={props.icon} />
      {props.word !== undefined && <span className="jp-FA-word">{props.word}</span>}
    </button>
  );
}
