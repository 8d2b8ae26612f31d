import ts from 'typescript'

const marker = '// => '

interface Edit {
  readonly from: number
  readonly to: number
  readonly text: string
}

/**
 * Turns each `// => value` into an assertion about the statement that it follows, on its last line or below it.
 *
 * @throws when a marker follows neither an expression nor the declaration of one name: it would assert nothing
 */
export function withAssertions(origin: string, code: string): string {
  const source = ts.createSourceFile('example.ts', code, ts.ScriptTarget.ESNext, true)
  const edits: Edit[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node) || ts.isVariableStatement(node)) {
      const edit = assertionAfter(node, source)
      if (edit !== null) edits.push(edit)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  const marked = code.split('\n').filter((line) => line.includes(marker)).length
  if (edits.length !== marked)
    throw new Error(`${origin}: ${marked} values are shown, ${edits.length} of them after a statement`)
  edits.sort((a, b) => b.from - a.from)
  return edits.reduce((text, { from, to, text: put }) => text.slice(0, from) + put + text.slice(to), code)
}

function assertionAfter(
  node: ts.ExpressionStatement | ts.VariableStatement,
  source: ts.SourceFile,
): Edit | null {
  const shown = /^[ \t]*\n?[ \t]*\/\/ => (?<expected>.+)/.exec(source.text.slice(node.end))
  const expected = shown?.groups?.['expected']
  if (shown === null || expected === undefined) return null
  const to = node.end + shown[0].length
  if (ts.isExpressionStatement(node)) {
    const from = node.getStart(source)
    return { from, to, text: `;expect(${node.expression.getText(source)}).toEqual(${expected})` }
  }
  const [declaration, ...others] = node.declarationList.declarations
  if (declaration === undefined || others.length > 0 || !ts.isIdentifier(declaration.name)) return null
  return { from: node.end, to, text: `\nexpect(${declaration.name.text}).toEqual(${expected})` }
}
