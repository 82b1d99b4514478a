import type { KeyboardEvent, PointerEvent, ReactElement } from 'react';

import { useTrans } from './kit';

/** How much of the height the part below may take, in percent of the whole. */
const LEAST = 15;
const MOST = 75;
const STEP = 5;

interface DividerProps {
  /** The share of the part below, in percent. */
  readonly share: number;
  readonly onShare: (share: number) => void;
}

/** The edge above a part of the panel; dragged, or moved by arrows, it makes that part higher or lower. */
export function Divider({ share, onShare }: DividerProps): ReactElement {
  const trans = useTrans();
  const become = (wanted: number): void => onShare(Math.round(Math.min(MOST, Math.max(LEAST, wanted))));
  const onKeyDown = (event: KeyboardEvent): void => {
    const shares: Partial<Record<string, number>> = {
      ArrowUp: share + STEP,
      ArrowDown: share - STEP,
      Home: LEAST,
      End: MOST
    };
    const wanted = shares[event.key];
    if (wanted !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      become(wanted);
    }
  };
  const onPointerMove = (event: PointerEvent<HTMLElement>): void => {
    const part = event.currentTarget.parentElement;
    const whole = part?.parentElement;
    if (part == null || whole == null || !event.currentTarget.hasPointerCapture(event.pointerId)) {
      return;
    }
    become(((part.getBoundingClientRect().bottom - event.clientY) / whole.clientHeight) * 100);
  };
  return (
    <div
      className="jp-FA-divider"
      role="separator"
      tabIndex={0}
      aria-orientation="horizontal"
      aria-label={trans.__('Height of the preview')}
      aria-valuenow={share}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      onKeyDown={onKeyDown}
      onPointerDown={event => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={onPointerMove}
    />
  );
}
