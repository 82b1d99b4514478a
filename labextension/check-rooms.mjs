// Checks which room imports what; a run that has read no module has checked nothing.
import { execFileSync } from 'node:child_process';

const LEAST = 40;
const output = execFileSync(
  'depcruise',
  ['src', '--config', '.dependency-cruiser.cjs', '--output-type', 'json', '--no-cache'],
  { encoding: 'utf8', maxBuffer: 1 << 28 }
);
const { summary, modules } = JSON.parse(output);
const ours = modules.filter(({ source }) => source.startsWith('src/'));
for (const { rule, from, to } of summary.violations) {
  console.error(`${rule.name}: ${from} -> ${to}`);
}
console.log(`${ours.length} modules, ${summary.violations.length} against the contracts`);
process.exit(ours.length < LEAST || summary.violations.length > 0 ? 1 : 0);
