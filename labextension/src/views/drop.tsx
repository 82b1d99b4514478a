import { useEffect, useState } from 'react';
import type { ReactElement, RefObject } from 'react';

import type { SessionModel } from '../model/session';
import { Icon, useSignal, useTrans } from './kit';

/** Whether files are held over an element that takes them; they are handed over when they are dropped on it. */
export function useDrop(ref: RefObject<HTMLElement>, onDrop: (transfer: DataTransfer) => void, isTaking: boolean): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (element === null || !isTaking) {
      return undefined;
    }
    const stop = listen(element, setOver, onDrop);
    return stop;
  });
  return isOver;
}

function listen(
  element: HTMLElement,
  setOver: (isOver: boolean) => void,
  onDrop: (transfer: DataTransfer) => void
): () => void {
  const hold = (event: DragEvent): void => {
    if (event.dataTransfer?.types.includes('Files') === true) {
      event.preventDefault();
      event.stopPropagation();
      event.dataTransfer.dropEffect = 'copy';
      setOver(true);
    }
  };
  const leave = (event: DragEvent): void => {
    // Going from one child to another is no leaving.
    if (!(event.relatedTarget instanceof Node) || !element.contains(event.relatedTarget)) {
      setOver(false);
    }
  };
  const drop = (event: DragEvent): void => {
    setOver(false);
    if (event.dataTransfer?.types.includes('Files') === true) {
      event.preventDefault();
      event.stopPropagation();
      onDrop(event.dataTransfer);
    }
  };
  element.addEventListener('dragenter', hold);
  element.addEventListener('dragover', hold);
  element.addEventListener('dragleave', leave);
  element.addEventListener('drop', drop);
  return () => {
    element.removeEventListener('dragenter', hold);
    element.removeEventListener('dragover', hold);
    element.removeEventListener('dragleave', leave);
    element.removeEventListener('drop', drop);
  };
}

interface DropHintProps {
  readonly title: string;
  readonly model: SessionModel;
}

/** Lies over the whole view while files are held over it, and says where they will go. */
export function DropHint({ title, model }: DropHintProps): ReactElement {
  const trans = useTrans();
  const { path } = useSignal(model.session);
  return (
    <div className="jp-FA-drop" aria-hidden="true">
      <Icon name="upload" />
      <p>{trans.__('Drop to upload to %1', title)}</p>
      <small>{trans.__('Will be copied to %1 on the server', `${path}/attachments`)}</small>
    </div>
  );
}
