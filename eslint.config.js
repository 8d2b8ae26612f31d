import js from '@eslint/js'
import { defineConfig } from 'eslint/config'
import rxjs from 'eslint-plugin-rxjs-x'
import tseslint from 'typescript-eslint'

const ambient = ['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate'].map((name) => ({
  name,
  message: 'Time comes from the Clock, so that tests can move it.',
}))
const newerThanNode20 = ['DisposableStack', 'AsyncDisposableStack', 'SuppressedError', 'WebSocket'].map(
  (name) => ({ name, message: 'Node.js 20 does not have it.' }),
)
const nodeGlobals = [
  'Buffer',
  'process',
  'global',
  'clearImmediate',
  'require',
  '__dirname',
  '__filename',
].map((name) => ({ name, message: 'The nouns run in a browser too.' }))
const timedOperators = [
  ...['timer', 'interval', 'delay', 'timeout', 'debounceTime', 'throttleTime', 'auditTime', 'sampleTime'],
  ...['bufferTime', 'windowTime', 'asyncScheduler', 'asapScheduler', 'queueScheduler'],
]

export default defineConfig(
  { ignores: ['**/dist/', '**/doc-examples/', 'docs/api/', 'coverage/', 'packages/*/bin/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked, rxjs.configs.strict],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { ignoreUsingDeclarations: true, argsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      'rxjs-x/finnish': [
        'error',
        { functions: false, methods: false, names: { '^project$': false }, strict: true },
      ],
      'rxjs-x/no-ignored-subscription': 'error',
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-globals': ['error', ...ambient, ...newerThanNode20],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'rxjs/webSocket', message: 'Links are our own.' },
            { name: 'rxjs', importNames: timedOperators, message: 'Time comes from the Clock.' },
          ],
          patterns: [{ group: ['rxjs/internal/*'], message: 'Private to RxJS.' }],
        },
      ],
      'no-restricted-properties': [
        'error',
        {
          object: 'Math',
          property: 'random',
          message: 'Chance comes from the Env, so that tests can repeat.',
        },
        { object: 'process', property: 'env', message: 'Only src/cli reads the environment.' },
      ],
    },
  },
  {
    files: ['packages/core/src/**/*.ts'],
    rules: { 'no-restricted-globals': ['error', ...ambient, ...newerThanNode20, ...nodeGlobals] },
  },
  {
    files: ['packages/core/src/env/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...newerThanNode20, ...nodeGlobals],
      'no-restricted-properties': 'off',
    },
  },
  {
    files: ['packages/core/src/{node,program,service,web-socket,lmdb,redis,testing,inspector}/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...newerThanNode20],
      'no-restricted-properties': 'off',
    },
  },
  {
    files: ['packages/*/src/cli/**/*.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['packages/*/{test,bench,examples,interop}/**/*.ts', '{bench,examples}/**/*.ts'],
    rules: {
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
      'rxjs-x/no-ignored-default-value': 'off',
      'rxjs-x/no-ignored-error': 'off',
      'rxjs-x/no-ignored-subscription': 'off',
    },
  },
)
