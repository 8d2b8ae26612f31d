/** What a machine was seen to do, as the edges of a diagram. */
export class Transitions {
  readonly #edges = new Map<string, Map<string, Set<string>>>()

  /** Notes a change of phase; staying in the same phase draws nothing. */
  note(from: string, to: string, label: string): void {
    if (from === to) return
    this.mark(from, to, label)
  }

  /** Notes an edge even if it leads back to where it began. */
  mark(from: string, to: string, label: string): void {
    const targets = this.#edges.get(from) ?? new Map<string, Set<string>>()
    const labels = targets.get(to) ?? new Set<string>()
    this.#edges.set(from, targets.set(to, labels.add(label)))
  }

  /** Wraps a pure step so that every change of phase is noted, with the kind of the event as its label. */
  watch<S, E extends { readonly kind: string }, Rest extends unknown[], R extends { readonly state: S }>(
    step: (state: S, event: E, ...rest: Rest) => R,
    phaseOf: (state: S) => string,
    labelOf: (event: E, before: S, after: S) => string = ({ kind }) => kind,
  ): (state: S, event: E, ...rest: Rest) => R {
    return (state, event, ...rest) => {
      const result = step(state, event, ...rest)
      this.note(phaseOf(state), phaseOf(result.state), labelOf(event, state, result.state))
      return result
    }
  }

  /**
   * The diagram, in Mermaid. Phases come in the order given; an event that leads from every phase to one and the
   * same is drawn once, from «any phase».
   *
   * @throws when a phase was seen that is not named, or named and not seen
   */
  toMermaid(phases: readonly string[]): string {
    const seen = new Set([...this.#edges].flatMap(([from, targets]) => [from, ...targets.keys()]))
    const strange = [...seen].filter((phase) => !phases.includes(phase))
    const missing = phases.filter((phase) => !seen.has(phase))
    if (strange.length + missing.length > 0)
      throw new Error(`drawn without [${strange.join()}], not seen [${missing.join()}]`)
    const common = this.#common(phases)
    const lines = phases.flatMap((from) =>
      phases.flatMap((to) => {
        const labels = [...(this.#edges.get(from)?.get(to) ?? [])].filter(
          (label) => !common.get(to)?.has(label),
        )
        return labels.length === 0 ? [] : [`  ${idOf(from)} --> ${idOf(to)} : ${joined(labels)}`]
      }),
    )
    for (const [to, labels] of common)
      if (labels.size > 0) lines.push(`  any --> ${idOf(to)} : ${joined([...labels])}`)
    const named = phases.filter((phase) => idOf(phase) !== phase)
    return [
      'stateDiagram-v2',
      ...named.map((phase) => `  state "${phase}" as ${idOf(phase)}`),
      ...(lines.some((line) => line.startsWith('  any ')) ? ['  state "any phase" as any'] : []),
      `  [*] --> ${idOf(phases[0] ?? '')}`,
      ...lines,
      ...phases.filter((phase) => !this.#edges.has(phase)).map((phase) => `  ${idOf(phase)} --> [*]`),
    ].join('\n')
  }

  /** For each phase, the events that lead to it from wherever anything can still happen. */
  #common(phases: readonly string[]): Map<string, Set<string>> {
    const open = phases.filter((phase) => this.#edges.has(phase))
    const common = new Map<string, Set<string>>()
    for (const to of phases) {
      const others = open.filter((from) => from !== to)
      const [first, ...rest] = others.map((from) => this.#edges.get(from)?.get(to) ?? new Set<string>())
      if (first === undefined || rest.length < 2) continue
      common.set(to, new Set([...first].filter((label) => rest.every((labels) => labels.has(label)))))
    }
    return common
  }
}

/** A name that Mermaid takes for a node. */
function idOf(phase: string): string {
  return phase.replace(/\W+/g, '_')
}

/** Labels on lines of bearable length. */
function joined(labels: readonly string[]): string {
  const lines: string[] = []
  for (const label of [...labels].sort()) {
    const last = lines.at(-1)
    if (last === undefined || last.length + label.length > 26) lines.push(label)
    else lines[lines.length - 1] = `${last}, ${label}`
  }
  return lines.join(',<br>')
}
