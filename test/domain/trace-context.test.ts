// W3C Trace Context: what is a traceparent, and what is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseTraceparent, traceparentOf } from '../../src/domain/trace-context.ts';

const hex = (length: number) =>
  fc
    .string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })
    .filter((digits) => /[^0]/.test(digits));

test('what is written is read', () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, isSampled) => {
      assert.deepEqual(parseTraceparent(traceparentOf({ traceId, spanId, isSampled })), {
        traceId,
        spanId,
        isSampled,
      });
    }),
  );
});

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

test('flags that are not known are ignored, and so is what later versions have behind them', () => {
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-ff`)?.isSampled, true);
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-fe`)?.isSampled, false);
  assert.equal(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-comes-later`)?.traceId, TRACE);
});

const NONE = {
  'no text': undefined,
  'an empty text': '',
  'another version without a hyphen': `cc-${TRACE}-${SPAN}-01.more`,
  'version ff': `ff-${TRACE}-${SPAN}-01`,
  'more than version 00 has': `00-${TRACE}-${SPAN}-01-more`,
  'upper case': `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  'a trace of zeros': `00-${'0'.repeat(32)}-${SPAN}-01`,
  'a span of zeros': `00-${TRACE}-${'0'.repeat(16)}-01`,
  'a line end': `00-${TRACE}-${SPAN}-01\n`,
  'a kilobyte': `cc-${TRACE}-${SPAN}-01-${'x'.repeat(1000)}`,
  bytes: Buffer.from(`00-${TRACE}-${SPAN}-01`),
};

for (const [what, value] of Object.entries(NONE))
  test(`${what} is no traceparent`, () => assert.equal(parseTraceparent(value), undefined));
