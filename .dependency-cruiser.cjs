/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'everything-resolves',
      comment:
        'Programs of interop/clients and interop/relays run where their dependencies were installed for the occasion.',
      severity: 'error',
      from: { pathNot: '^packages/[^/]+/interop/(clients|relays)/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'core-knows-no-adapter',
      severity: 'error',
      from: { path: '^packages/core/' },
      to: { path: '^packages/(?!core/)' },
    },
    {
      name: 'adapters-meet-only-in-core',
      comment: "A package uses itself and core's entry points, nothing else of this repository.",
      severity: 'error',
      from: { path: '^packages/(?!core/)([^/]+)/' },
      to: {
        path: '^packages/',
        pathNot: [
          '^packages/$1/',
          '^packages/core/src/((node|program|service|web-socket|lmdb|redis|testing|inspector|open-telemetry)/)?index[.]ts$',
        ],
      },
    },
    {
      name: 'nouns-need-no-node',
      comment:
        'Outside src/node, src/program, src/service, src/web-socket, src/lmdb, src/redis, src/testing, src/inspector and src/open-telemetry core runs in a browser too.',
      severity: 'error',
      from: {
        path: '^packages/core/src/(?!(node|program|service|web-socket|lmdb|redis|testing|inspector|open-telemetry)/)',
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'nouns-stand-alone',
      severity: 'error',
      from: {
        path: '^packages/core/src/(?!(node|program|service|web-socket|lmdb|redis|testing|inspector|open-telemetry)/)',
      },
      to: {
        path: '^packages/core/src/(node|program|service|web-socket|lmdb|redis|testing|inspector|open-telemetry)/',
      },
    },
    {
      name: 'node-needs-nothing-else',
      comment:
        'Who wants a TCP connection installs rxjs and no more; optional peers are for src/program, src/service, src/web-socket, src/lmdb, src/redis and src/open-telemetry.',
      severity: 'error',
      from: { path: '^packages/core/src/node/' },
      to: {
        path: ['node_modules/', '^packages/core/src/(program|service|web-socket|lmdb|redis|open-telemetry)/'],
        pathNot: 'node_modules/(rxjs|@types/node)/',
      },
    },
    {
      name: 'wire-does-no-io',
      comment: 'src/wire turns bytes into messages and back: of Node.js it has only buffers and hashes.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/wire/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(buffer|crypto|util|zlib)$' },
    },
    {
      name: 'wire-is-pure',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/wire/' },
      to: { path: 'node_modules/(rxjs|ws|pino|commander)/' },
    },
    {
      name: 'wire-stands-alone',
      severity: 'error',
      from: { path: '^packages/([^/]+)/src/wire/' },
      to: { path: '^packages/$1/src/', pathNot: '^packages/$1/src/wire/' },
    },
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/(?!(testing|cli)/)' },
      to: { path: '^packages/[^/]+/src/testing/' },
    },
    {
      name: 'machines-are-pure',
      comment: 'A step function knows its own types, pure helpers and nothing that runs.',
      severity: 'error',
      from: { path: '^packages/core/src/[^/]+/(machine|model|state|queue|turn)[.]ts$' },
      to: { path: ['node_modules/', '^packages/core/src/env/(?!types)', '^packages/core/src/snapshots'] },
    },
    {
      name: 'sources-stand-without-their-tests',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { path: '^(packages/[^/]+/(test|bench|examples|interop)|test-support|tools|bench|examples)/' },
    },
    {
      name: 'interop-is-for-interop-and-tests',
      comment: 'Real peers are slow to install: what everybody runs does not depend on them.',
      severity: 'error',
      from: { path: '^packages/[^/]+/(bench|examples)/' },
      to: { path: '^packages/[^/]+/interop/' },
    },
    {
      name: 'cli-is-a-leaf',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/(?!cli/)' },
      to: { path: '^packages/[^/]+/src/cli/' },
    },
    {
      name: 'only-programs-parse-arguments-and-log',
      severity: 'error',
      from: {
        path: '^packages/[^/]+/src/',
        pathNot: '^packages/([^/]+/src/cli|core/src/(program|service))/',
      },
      to: { path: 'node_modules/(commander|pino)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^packages/[^/]+/(dist|bin|doc-examples)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@holdfast/source', 'types', 'import', 'node', 'default'],
    },
  },
}
