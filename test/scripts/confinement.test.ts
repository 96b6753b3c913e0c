// Programs of the image start in confined containers only: not as root, and with a root file system that nobody can write to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confinementFaults } from '../../scripts/image/confinement.ts';

const READ_ONLY = `overlay / overlay ro,relatime,lowerdir=/a:/b,upperdir=/c,workdir=/d 0 0
proc /proc proc rw,nosuid 0 0
tmpfs /tmp tmpfs rw,nosuid 0 0
/dev/vda /data ext4 rw,relatime 0 0
`;
const WRITABLE = READ_ONLY.replace(' ro,', ' rw,');

test('a user that is not root on a read-only file system is confined, whatever else is mounted for writing', () => {
  assert.deepEqual(confinementFaults(10_001, READ_ONLY), []);
});

test('root and a writable file system are named, each by itself and both at once', () => {
  const [root = '', ...none] = confinementFaults(0, READ_ONLY);
  assert.match(root, /runs as root/);
  assert.deepEqual(none, []);
  const [writable = ''] = confinementFaults(10_001, WRITABLE);
  assert.match(writable, /root file system is writable/);
  assert.deepEqual(confinementFaults(0, WRITABLE), [root, writable]);
});

test('a root file system that no line tells of counts as writable', () => {
  assert.match(confinementFaults(10_001, 'proc /proc proc rw 0 0\n').join(), /root file system is writable/);
});

test('a mount that covers the root file system counts, and options only look alike', () => {
  assert.deepEqual(confinementFaults(10_001, `rootfs / rootfs rw 0 0\n${READ_ONLY}`), []);
  assert.deepEqual(confinementFaults(10_001, 'overlay / overlay ro,errors=remount-rw 0 0\n'), []);
});
