// What the server says of a policy document, with the places that it names.
import { ApiError } from "../../api/http";

export interface Problem {
  line: number;
  column: number;
  message: string;
}

const place = /\bline (\d+), (?:column|position) (\d+)/i;

export function problemsOf(error: unknown): Problem[] {
  if (!(error instanceof ApiError)) return [];
  const texts = error.details.map((one) => one.message).filter((text) => place.test(text));
  return (texts.length > 0 ? texts : [error.message]).flatMap((message) => {
    const found = place.exec(message);
    return found ? [{ line: Number(found[1]), column: Number(found[2]), message }] : [];
  });
}
