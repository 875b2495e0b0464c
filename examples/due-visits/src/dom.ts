/** Elements, made in one expression. Texts are set as text, so nothing that is shown can be markup. */

type Attributes = Record<string, string | boolean | undefined>;

/** A new element; an attribute that is true stands alone, one that is false or undefined is left out. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(attribute, "");
    else if (value !== false && value !== undefined) made.setAttribute(attribute, value);
  }
  made.append(...children);
  return made;
}

/** The one element that a selector names; the page is broken without it. */
export function found<Kind extends Element = HTMLElement>(
  selector: string,
  within: ParentNode = document,
): Kind {
  const one = within.querySelector<Kind>(selector);
  if (one === null) throw new Error(`nothing is ${selector}`);
  return one;
}
