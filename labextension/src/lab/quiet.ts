import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

/** Attributes that fetch from a server, or that let a click run a command of the application. */
const ATTRIBUTES = ['style', 'srcset', 'background', 'data-commandlinker-command', 'data-commandlinker-args'];
/** What fetches by itself as soon as it is on a page. */
const FETCHING = 'img, picture, source, video, audio, track, image, use';

/**
 * A sanitizer that leaves nothing in which asks a server: a file from elsewhere must not tell its author who
 * reads it, nor follow an address of this server. Only pictures that stand in the text itself are shown.
 */
export function quiet(sanitizer: IRenderMime.ISanitizer): IRenderMime.ISanitizer {
  return {
    allowNamedProperties: false,
    getAutolink: () => sanitizer.getAutolink?.() ?? true,
    sanitize: (dirty, options) => {
      // Nothing in a document without a window is fetched.
      const page = new DOMParser().parseFromString(sanitizer.sanitize(dirty, options), 'text/html');
      for (const name of ATTRIBUTES) {
        page.querySelectorAll(`[${name}]`).forEach(element => element.removeAttribute(name));
      }
      page.querySelectorAll(FETCHING).forEach(element => hush(page, element));
      return page.body.innerHTML;
    }
  };
}

/** In the place of a picture that is not fetched stands what it shows. */
function hush(page: Document, element: Element): void {
  const source = element.getAttribute('src') ?? '';
  if (element.matches('img') && /^data:image\//i.test(source)) {
    return;
  }
  const word = page.createElement('span');
  word.className = 'jp-FA-remote';
  word.textContent = element.getAttribute('alt') ?? '';
  word.title = source;
  element.replaceWith(word);
}
