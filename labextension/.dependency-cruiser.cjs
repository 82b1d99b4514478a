/** Which room may import what: client <- model <- views <- lab, widget. */
const rooms = {
  client: ['model', 'views', 'lab', 'widget'],
  model: ['views', 'lab', 'widget'],
  views: ['lab', 'widget'],
  lab: ['widget'],
  widget: ['lab']
};

const upward = Object.entries(rooms).map(([room, above]) => ({
  name: `${room}-looks-down`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: `^src/(${above.join('|')})/` }
}));

module.exports = {
  forbidden: [
    ...upward,
    {
      name: 'only-lab-knows-jupyterlab',
      severity: 'error',
      from: { path: '^src/(client|model|views|widget)/' },
      to: { path: '(^|/)@(jupyterlab|lumino)/' }
    },
    {
      name: 'no-react-below-views',
      severity: 'error',
      from: { path: '^src/(client|model)/' },
      to: { path: '(^|/)(react|react-dom|preact)(/|$)' }
    },
    { name: 'no-circle-of-rooms', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } }
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' }
  }
};
