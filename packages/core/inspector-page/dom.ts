/** The element of the page with this id, which must be of this class. */
export function byId<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} #${id}`)
  return found
}

interface Given {
  readonly class?: string
  readonly text?: string
  /** Attributes. */
  readonly [attribute: string]: string | undefined
}

/** Makes an element. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  { class: name, text, ...attributes }: Given = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  if (name !== undefined) element.className = name
  if (text !== undefined) element.textContent = text
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value ?? '')
  element.append(...children)
  return element
}

/** Changes a text only if it is another: most of them are not. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** A button that is on or off; `changed` is called after a press. */
export function toggle(text: string, changed: () => void): HTMLButtonElement {
  const button = make('button', { type: 'button', 'aria-pressed': 'true', text })
  button.addEventListener('click', () => {
    button.setAttribute('aria-pressed', String(!isOn(button)))
    changed()
  })
  return button
}

/** Whether a toggle is on. */
export function isOn(button: HTMLButtonElement): boolean {
  return button.getAttribute('aria-pressed') === 'true'
}
