// Networks of containers in which gateway and name server stay reachable while containers come and go.
import type { Containers } from '../../../scripts/ops/parts/containers.ts';
import { mustRun } from '../../must-run.ts';

/**
 * Makes a network whose bridge has a MAC address of its own and a container that keeps it. Otherwise a bridge has one of the
 * addresses in it, and another one when that container ends or a new one comes: the other containers send to the old one, so for
 * up to half a minute they reach neither their name server nor what is outside.
 */
export async function makeSteadyNetwork(
  { podman, base }: Containers,
  name: string,
  ...options: readonly string[]
): Promise<void> {
  await podman('network', 'create', ...options, name);
  await podman('run', '--detach', '--name', `${name}-bridge`, '--network', name, base, 'sleep', 'infinity');
  const bridge = await podman('network', 'inspect', '--format', '{{.NetworkInterface}}', name);
  await mustRun('ip', ['link', 'set', 'dev', bridge, 'address', '02:00:00:00:00:01']);
}

/** Removes it where it is there, with every container in it. */
export async function removeSteadyNetwork({ podman }: Containers, name: string): Promise<void> {
  await podman('network', 'rm', '--force', '--time', '0', name);
}
