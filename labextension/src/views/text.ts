/** The person's language, as JupyterLab's translation bundles give it. `%1` and so on are filled in. */
export interface Trans {
  __(sentence: string, ...values: string[]): string;
  /** For one and for many; `%1` is the number. */
  _n(one: string, many: string, count: number, ...values: string[]): string;
}

/** The sentences as they are written here, for pages without JupyterLab's translations. */
export const english: Trans = {
  __: (sentence, ...values) => fill(sentence, values),
  _n: (one, many, count, ...values) => fill(count === 1 ? one : many, [String(count), ...values])
};

function fill(sentence: string, values: readonly string[]): string {
  return sentence.replace(/%(\d)/g, (_, place: string) => values[Number(place) - 1] ?? '');
}
