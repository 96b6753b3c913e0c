// References and labels, which operators see of every user.
import type { OwnedAnnotation } from '../../domain/annotation.ts';
import { html, type Value } from '../html.ts';

/** Both as facts of what they are attached to. */
export function annotationFacts(annotation: OwnedAnnotation | undefined): [name: string, value: Value][] {
  const { reference = '', labels = [] } = annotation ?? {};
  return [
    ['Reference', reference === '' ? 'none' : html`<code>${reference}</code>`],
    ['Labels', labels.length === 0 ? 'none' : labels.map(({ key, value }) => `${key}: ${value}`).join(', ')],
  ];
}
