import type { FileRecord } from '../client/wire';

/** What a media type is shown as; the same rule as the server's. */
export function mediaOf(mime: string): FileRecord['media'] {
  const main = mime.slice(0, mime.indexOf('/'));
  return main === 'image' || main === 'audio' || main === 'video' ? main : 'file';
}

/** Pictures made of pixels. SVG is a program that may run, so it is not one of them. */
const RASTER = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/bmp', 'image/avif'];
/** A picture up to this size may be shown as it is where nobody makes smaller ones, in bytes. */
const SMALL_BYTES = 2 * 1024 * 1024;

/** Whether the browser may show a file as a picture. */
function isRaster(file: FileRecord): boolean {
  return RASTER.includes(file.mime);
}

/** What the server shows and a browser does not; and the other way round. */
const SERVER_ONLY = ['application/pdf', 'image/tiff', 'image/vnd.microsoft.icon'];
const BROWSER_ONLY = 'image/avif';

/** Whether the server can make a picture of a file: of pictures, and of the first page of a PDF. */
export function isPictured(file: FileRecord): boolean {
  return SERVER_ONLY.includes(file.mime) || (isRaster(file) && file.mime !== BROWSER_ONLY);
}

/** Whether a picture is small enough to be shown as it is. */
export function isSmallRaster(file: FileRecord): boolean {
  return isRaster(file) && file.size <= SMALL_BYTES;
}
