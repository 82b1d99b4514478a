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

/**
 * The tag (BCP 47) of a language that JupyterLab names: `de` for `de_DE`. Of the ways in which a language writes
 * dates it is the one that the browser asks for.
 */
export function languageTag(code: string, preferred: readonly string[]): string {
  const tag = code.replace(/_/g, '-');
  const main = (one: string): string | undefined => one.split('-')[0];
  const own = preferred.find(one => main(one) === main(tag));
  // JupyterLab may be told any text as its language.
  return Intl.DateTimeFormat.supportedLocalesOf(/^[a-z]{2,3}(-\w+)*$/i.test(tag) ? [own ?? tag] : [])[0] ?? 'en';
}

interface Formatters {
  readonly ages: Intl.RelativeTimeFormat;
  readonly days: Intl.DateTimeFormat;
  readonly moments: Intl.DateTimeFormat;
}

/** Made once a language: a formatter costs more than a hundred of its uses. */
const formatters = new Map<string, Formatters>();

function formattersOf(language: string): Formatters {
  let made = formatters.get(language);
  if (made === undefined) {
    made = {
      ages: new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' }),
      days: new Intl.DateTimeFormat(language, { dateStyle: 'medium' }),
      moments: new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
    };
    formatters.set(language, made);
  }
  return made;
}

/** A moment to the minute, as a language writes it. */
export function formatMoment(then: string, language: string): string {
  return formattersOf(language).moments.format(Date.parse(then));
}

/** How long ago something was, as a language says it; a date when it is long ago. */
export function formatAge(then: string, now: number, language: string): string {
  const { ages, days } = formattersOf(language);
  const moment = Date.parse(then);
  const seconds = Math.round((moment - now) / 1000);
  if (seconds > -60) {
    return ages.format(0, 'second');
  }
  if (seconds > -3600) {
    return ages.format(Math.trunc(seconds / 60), 'minute');
  }
  if (seconds > -86_400) {
    return ages.format(Math.trunc(seconds / 3600), 'hour');
  }
  return days.format(moment);
}
