import { useEffect, useRef } from 'react';
import type { ReactElement } from 'react';

import type { Browse } from '../model/browse';
import { useSignal, useTrans } from './kit';
import type { Remedy } from './sentences';

interface TextButtonProps {
  readonly label: string;
  readonly onClick: () => void;
  /** `main` is what most will want, `danger` leads to a loss, `erase` is that loss. */
  readonly tone?: 'plain' | 'main' | 'danger' | 'erase';
  readonly ariaLabel?: string;
  /** Whether it has the focus at first. */
  readonly hasFocus?: boolean;
}

/** A button with a word on it. */
export function TextButton(props: TextButtonProps): ReactElement {
  const { label, onClick, tone = 'plain', ariaLabel, hasFocus = false } = props;
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (hasFocus) {
      button.current?.focus();
    }
  }, [hasFocus]);
  return (
    <button
      ref={button}
      type="button"
      className="jp-FA-text"
      data-tone={tone}
      aria-label={ariaLabel}
      onClick={onClick}
    >
      {label}
    </button>
  );
}

interface ChooseProps {
  readonly name: string;
  readonly onFile: (file: File) => void;
}

/** Lets the person choose one file of their computer again. */
export function Choose({ name, onFile }: ChooseProps): ReactElement {
  const trans = useTrans();
  const field = useRef<HTMLInputElement>(null);
  return (
    <>
      <TextButton
        label={trans.__('Choose file…')}
        ariaLabel={trans.__('Choose file… (%1)', name)}
        onClick={() => field.current?.click()}
      />
      <input
        ref={field}
        type="file"
        hidden
        onChange={event => {
          const [file] = event.target.files ?? [];
          event.target.value = '';
          if (file !== undefined) {
            onFile(file);
          }
        }}
      />
    </>
  );
}

interface RemedyButtonProps {
  readonly remedy: Remedy | undefined;
  readonly browse: Browse;
}

/** The button of an error's sentence that needs no file. */
export function RemedyButton({ remedy, browse }: RemedyButtonProps): ReactElement | null {
  const trans = useTrans();
  const hasFiles = useSignal(browse.files).length > 0;
  switch (remedy) {
    case 'largest':
      // Where there are none, others' files take the room.
      return hasFiles ? (
        <TextButton label={trans.__('Show largest files')} onClick={() => browse.showLargest()} />
      ) : null;
    case 'reload':
      return <Reload />;
    default:
      return null;
  }
}

/** Loads the page again, for a login that has ended. */
export function Reload(): ReactElement {
  return <TextButton label={useTrans().__('Reload page')} onClick={() => window.location.reload()} />;
}
