// What is wrong with a database, apart from what finds it: a program that starts knows it before it loads a driver.
import { InvariantError } from '../domain/error-fields.ts';

/** A database is not what a program needs. The message says what is wrong and what to do, and holds no secret. */
export class SchemaError extends InvariantError {
  override name = 'SchemaError';
}
