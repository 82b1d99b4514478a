import { useEffect } from 'react';
import type { RefObject } from 'react';

const CONTROLS = 'button:not(:disabled), input:not([hidden]), select:not(:disabled), [tabindex="0"]';

/** Where the focus was: the control, the lists and parts around it, and which one of its list it was. */
interface Place {
  readonly control: Element;
  readonly list: Element | null;
  readonly part: Element | null;
  readonly index: number;
}

/**
 * Keeps the focus in a view when what had it goes: a row that was called off, a notice that was answered.
 * Else it would fall to the page, and a keyboard or a screen reader would begin from the top. From a row it
 * goes to the next one, from anywhere else to the files.
 */
export function useKeptFocus(ref: RefObject<HTMLElement>): void {
  useEffect(() => (ref.current === null ? undefined : keepFocus(ref.current)), [ref]);
}

function keepFocus(root: HTMLElement): () => void {
  let last: Place | null = null;
  const onFocus = (event: FocusEvent): void => {
    last = placeOf(event.target as Element);
  };
  const onBlur = (): void => {
    // A control that goes may be blurred before it is gone; one that is still there was left by the person.
    setTimeout(() => {
      if (last?.control.isConnected === true && last.control !== document.activeElement) {
        last = null;
      }
    });
  };
  const watcher = new MutationObserver(() => {
    if (last !== null && !last.control.isConnected && document.activeElement === document.body) {
      nextOf(last, root)?.focus();
    }
  });
  root.addEventListener('focusin', onFocus);
  root.addEventListener('focusout', onBlur);
  watcher.observe(root, { childList: true, subtree: true });
  return () => {
    root.removeEventListener('focusin', onFocus);
    root.removeEventListener('focusout', onBlur);
    watcher.disconnect();
  };
}

function placeOf(control: Element): Place {
  const list = control.closest('ul');
  const index = list === null ? 0 : controlsOf(list).indexOf(control as HTMLElement);
  return { control, list, part: control.closest('section'), index };
}

function nextOf({ list, part, index }: Place, root: HTMLElement): HTMLElement | undefined {
  const rows = list?.isConnected === true ? controlsOf(list) : [];
  const [first] = part?.isConnected === true ? controlsOf(part) : [];
  const grid = root.querySelector<HTMLElement>('[role="grid"]');
  return rows[Math.min(index, rows.length - 1)] ?? first ?? grid ?? controlsOf(root)[0];
}

function controlsOf(element: Element): HTMLElement[] {
  return [...element.querySelectorAll<HTMLElement>(CONTROLS)];
}
