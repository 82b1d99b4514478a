import type { KeyboardEvent } from 'react';

import type { Actions } from '../model/actions';
import { ROW_PX } from './measures';

/** What the keys do in the list of files; a key that does nothing here goes on to the page. */
export function onKey(event: KeyboardEvent, actions: Actions): void {
  // Keys in a field of a row, and buttons of the header, mean themselves.
  if (event.target !== event.currentTarget) {
    return;
  }
  const isDone = byArrow(event, actions) || byCommand(event, actions);
  if (isDone) {
    event.preventDefault();
    event.stopPropagation();
  }
}

/** Moves the focus: alone, with the range, or with Ctrl without choosing. */
function byArrow(event: KeyboardEvent, { browse }: Actions): boolean {
  const page = Math.max(1, Math.floor(event.currentTarget.clientHeight / ROW_PX) - 1);
  const steps: Partial<Record<string, number>> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
    Home: -Infinity,
    End: Infinity
  };
  const step = steps[event.key];
  if (step === undefined) {
    return false;
  }
  const mode = event.shiftKey ? 'range' : isAccelerated(event) ? 'focus' : 'only';
  browse.move(step, mode);
  return true;
}

function byCommand(event: KeyboardEvent, actions: Actions): boolean {
  const { browse } = actions;
  const focused = browse.focused()?.attachment_id ?? null;
  if (isAccelerated(event)) {
    const commands: Partial<Record<string, () => unknown>> = {
      a: () => browse.chooseAll(),
      c: () => actions.copyCode(),
      z: () => actions.browse.model.undo(),
      ' ': () => focused !== null && browse.choose(focused, 'toggle')
    };
    const command = commands[event.key];
    command?.();
    return command !== undefined;
  }
  const commands: Partial<Record<string, () => unknown>> = {
    ' ': () => actions.preview(),
    Enter: () => actions.open(),
    F2: () => actions.rename(),
    Delete: () => actions.remove(),
    Backspace: () => isMac() && actions.remove(),
    Escape: () => (browse.isPreviewing.get() ? browse.isPreviewing.set(false) : browse.chooseNone())
  };
  const command = commands[event.key];
  command?.();
  return command !== undefined;
}

function isAccelerated(event: KeyboardEvent): boolean {
  return isMac() ? event.metaKey : event.ctrlKey;
}

function isMac(): boolean {
  return navigator.userAgent.includes('Mac OS');
}
