// Turns the comments of the contracts into the words of the documentation.
import type {
  DescEnum,
  DescEnumValue,
  DescField,
  DescMessage,
  DescMethod,
  DescService,
} from '@bufbuild/protobuf';
import { getComments } from '@bufbuild/protoplugin';

/** What stands above (or behind) an element in the proto, unwrapped: one line a paragraph. Empty without a comment. */
export function commentOf(
  desc: DescEnum | DescEnumValue | DescField | DescMessage | DescMethod | DescService,
): string {
  const { leading, trailing } = getComments(desc);
  return (leading ?? trailing ?? '')
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
    .filter((paragraph) => paragraph !== '')
    .join('\n\n');
}

/** The first sentence without its full stop. */
export function summaryOf(comment: string): string {
  const [first = ''] = comment.split(/(?<=[.!?])\s/, 1);
  return first.replace(/\.$/, '');
}

/** Sentences put together; undefined when there is nothing to say. */
export function sentences(...parts: readonly string[]): string | undefined {
  return parts.filter((part) => part !== '').join(' ') || undefined;
}
