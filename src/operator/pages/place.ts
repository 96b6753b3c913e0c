// Where the next page of a list begins, in the query of a path.

/** A moment, in microseconds since 1970, and an id. */
export interface Place {
  readonly createdAt: number;
  readonly id: string;
}

const PLACE = /^(-?\d{1,16})_([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/;

/** Undefined where the query has no place, or what is none: the list begins at its start. */
export function placeOf(query: URLSearchParams, name: string): Place | undefined {
  const [, createdAt, id] = PLACE.exec(query.get(name) ?? '') ?? [];
  return createdAt === undefined || id === undefined ? undefined : { createdAt: Number(createdAt), id };
}

/** The same as text. */
export function placeText({ createdAt, id }: Place): string {
  return `${createdAt}_${id}`;
}
