// The settings of a worker: read from the environment once, checked, and typed from then on.
import { readVariables, type ValuesOf } from '../runtime/env.ts';
import {
  addresses,
  choice,
  flag,
  hidden,
  optionalSealingKeys,
  optionalSecret,
  optionalText,
  text,
  whole,
} from '../runtime/variable-kinds.ts';
import { COMMON_VARIABLES, redisAddressFaults, SEALED_SECRETS } from '../runtime/variables.ts';

const HUNDRED_YEARS = { days: 36_500, months: 1200 };

/** Ways to log in to Kafka. */
const SASL_MECHANISMS = ['none', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

/** Every variable that a worker reads. */
export const WORKER_VARIABLES = {
  ...COMMON_VARIABLES,
  opsKey: optionalSecret(
    'OPS_KEY',
    'The password of the board of queues on the ops port; without it there is no board.',
  ),
  keyEncryptionKeys: optionalSealingKeys('KEY_ENCRYPTION_KEYS', SEALED_SECRETS),
  transparencyLogName: text(
    'TRANSPARENCY_LOG_NAME',
    'The name of the transparency log in its checkpoints, such as ppuri.example.com/log. It is taken once, when the log gets its first key.',
    'localhost/ppuri',
  ),
  checkpointDir: optionalText(
    'CHECKPOINT_DIR',
    'A folder in which each checkpoint of the transparency log is saved as a file of its own, which is never overwritten; best on another machine. Without it there are no files.',
  ),
  kafka: {
    brokers: addresses(
      'KAFKA_BROKERS',
      'Brokers of Kafka, some of those that there are. Workers that have them send all events to KAFKA_TOPIC; without them none are sent.',
    ),
    topic: text('KAFKA_TOPIC', 'The topic that events are sent to. It has to exist.', 'ppuri.events'),
    tls: flag(
      'KAFKA_TLS',
      'Whether brokers are reached over TLS. NODE_EXTRA_CA_CERTS names an authority of your own.',
      false,
    ),
    sasl: {
      mechanism: choice(
        'KAFKA_SASL_MECHANISM',
        'How the worker logs in to Kafka; PLAIN needs KAFKA_TLS.',
        SASL_MECHANISMS,
        'none',
      ),
      username: optionalText('KAFKA_USERNAME', 'The name that the worker logs in to Kafka with.'),
      password: hidden(optionalText('KAFKA_PASSWORD', 'The password that belongs to KAFKA_USERNAME.')),
    },
  },
  backupCommand: optionalText(
    'BACKUP_COMMAND',
    'What takes a backup, daily and when admin.v1 asks for one, in a shell: a command that prints the record of `npm run backup -- --json`. ` --full` is put behind it for a full backup, and ` --list` for the list of what there is. Without it this worker takes none.',
  ),
  drillCommand: optionalText(
    'DRILL_COMMAND',
    'What does a drill, daily and when admin.v1 asks for one, in a shell: a command that restores the backups and prints the report of `npm run drill -- backups --json`. Without it this worker does none.',
  ),
  archiveAfterMonths: whole(
    'ARCHIVE_AFTER_MONTHS',
    'How many whole months of transfers stay in the database besides the current one.',
    { fallback: 12, min: 1, max: HUNDRED_YEARS.months, unit: 'months' },
  ),
  purgeDraftsAfterDays: whole(
    'PURGE_PAYOUT_DRAFTS_AFTER_DAYS',
    'How long drafts of payouts are kept after they were made; 0 keeps them for good.',
    { fallback: 30, min: 0, max: HUNDRED_YEARS.days, unit: 'days' },
  ),
  purgeKeysAfterDays: whole(
    'PURGE_API_KEYS_AFTER_DAYS',
    'How long API keys are kept after their end; 0 keeps them for good.',
    { fallback: 0, min: 0, max: HUNDRED_YEARS.days, unit: 'days' },
  ),
};

/** How a worker is set up. */
export type WorkerConfig = ValuesOf<typeof WORKER_VARIABLES>;

/**
 * Reads the settings of a worker. Throws a ConfigError that names every fault at once.
 * @param others Names that other programs know.
 */
export function readWorkerConfig(env: NodeJS.ProcessEnv, others: readonly string[] = []): WorkerConfig {
  const check = ({ redis, kafka }: WorkerConfig) => [...redisAddressFaults(redis), ...kafkaFaults(kafka)];
  return readVariables(WORKER_VARIABLES, env, { others, check });
}

/** The faults of the settings of Kafka, as lines for operators. */
function kafkaFaults({ brokers, topic, tls, sasl }: WorkerConfig['kafka']): string[] {
  const { mechanism, username, password } = sasl;
  const rules: readonly (readonly [isBroken: boolean, fault: string])[] = [
    [
      !/^[A-Za-z0-9._-]{1,249}$/.test(topic),
      'KAFKA_TOPIC must be up to 249 letters, digits, dots, underscores and hyphens',
    ],
    [
      mechanism === 'PLAIN' && !tls,
      'KAFKA_SASL_MECHANISM PLAIN needs KAFKA_TLS: it sends the password as it is',
    ],
    [
      mechanism !== 'none' && (username === undefined || password === undefined),
      'KAFKA_SASL_MECHANISM needs KAFKA_USERNAME and KAFKA_PASSWORD',
    ],
    [
      mechanism === 'none' && (username !== undefined || password !== undefined),
      'KAFKA_USERNAME and KAFKA_PASSWORD need KAFKA_SASL_MECHANISM',
    ],
    [
      brokers.length === 0 && (tls || mechanism !== 'none'),
      'KAFKA_TLS and KAFKA_SASL_MECHANISM need KAFKA_BROKERS',
    ],
  ];
  return rules.filter(([isBroken]) => isBroken).map(([, fault]) => fault);
}
