import { useEffect, useState } from 'react';
import type { RefObject } from 'react';

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
