import jupyter from '@jupyter/eslint-plugin';
import tseslint from 'typescript-eslint';

const sources = ['src/**/*.{ts,tsx}', 'test/**/*.ts'];

export default tseslint.config(
  { ignores: ['dist', 'lib', 'node_modules', '**/*.mjs', 'style', 'src/client/schema.d.ts'] },
  {
    files: sources,
    extends: [...tseslint.configs.strictTypeChecked],
    plugins: { jupyter },
    languageOptions: {
      parserOptions: { project: 'tsconfig.check.json', tsconfigRootDir: import.meta.dirname }
    },
    rules: {
      ...jupyter.configs.recommended[0].rules,
      // Everything of ours is one small chunk that is there from the start.
      'jupyter/prefer-lazy-imports': 'off',
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', 60],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/explicit-function-return-type': ['error', { allowExpressions: true }],
      // Numbers in sentences are wanted.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }]
    }
  },
  {
    // The callback of `describe` is a list of cases, and grows with them.
    files: ['test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off' }
  }
);
