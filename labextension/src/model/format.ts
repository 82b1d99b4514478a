const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A size for people: `1023 B`, `1.5 KiB`, `12 MiB`. Below ten a unit has one decimal. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // What would read 1024 is one of the next unit.
  while (Math.round(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit > 0 && value < 10 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

/** Marks that turn the direction of what follows: `\u202Egpj.exe` would read as `exe.jpg`. */
const TURNS = /[\u202A-\u202E\u2066-\u2069]/g;

/** A name as it is shown: what would make it read as another one can be seen. */
export function shownName(name: string): string {
  return name.replace(TURNS, '\uFFFD');
}

/** The last component of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The path without its last component; '' for none. */
export function folderName(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

/** A time span for people, in at most two units: `8 s`, `2 min 5 s`, `1 h 10 min`. */
export function formatSpan(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) {
    return `${whole} s`;
  }
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) {
    return minutes < 10 && whole % 60 > 0 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  }
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Made once: a formatter costs more than a hundred of its uses. */
const AGES = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });
const DAYS = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

/** How long ago something was, as the person's language says it; a date when it is long ago. */
export function formatAge(then: string, now: number): string {
  const moment = Date.parse(then);
  const seconds = Math.round((moment - now) / 1000);
  if (seconds > -60) {
    return AGES.format(0, 'second');
  }
  if (seconds > -3600) {
    return AGES.format(Math.trunc(seconds / 60), 'minute');
  }
  if (seconds > -86_400) {
    return AGES.format(Math.trunc(seconds / 3600), 'hour');
  }
  return DAYS.format(moment);
}
