/** The person's language, as JupyterLab's translation bundles give it. `%1` and so on are filled in. */
export interface Trans {
  __(sentence: string, ...values: string[]): string;
}
