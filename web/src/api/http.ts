// Calls of the console's interfaces. The session's cookie goes along by itself; what changes something carries the
// session's CSRF value. Errors of all dialects become one class.

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly target?: string,
    readonly details: { message: string; target?: string }[] = [],
  ) {
    super(message);
  }
}

let csrf = "";
let sessionOver = () => {};

export function keepCsrf(value: string) {
  csrf = value;
}

/** Called when an answer says that the session has ended. */
export function onSessionOver(what: () => void) {
  sessionOver = what;
}

interface Options {
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

type Loose = any;

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  let json: Loose;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const error = json?.error ?? json?.Error ?? json;
  const details = (error?.details ?? error?.Details ?? []) as Loose[];
  return new ApiError(
    response.status,
    error?.code ?? error?.Code ?? String(response.status),
    error?.message ?? error?.Message ?? (text || `${response.status} ${response.statusText}`),
    error?.target ?? error?.Target ?? undefined,
    details.map((one) => ({ message: one.message ?? one.Message ?? "", target: one.target ?? one.Target })),
  );
}

export async function send(method: string, path: string, body?: BodyInit, options: Options = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  if (method !== "GET") headers.set("X-MLGate-Csrf", csrf);
  const response = await fetch(path, { method, headers, body, signal: options.signal, cache: "no-store" });
  if (response.ok) return response;
  const error = await errorOf(response);
  if (response.status === 401 && error.code === "AuthenticationFailed" && !path.startsWith("/console/api/"))
    sessionOver();
  throw error;
}

export async function call<T>(method: string, path: string, body?: unknown, options: Options = {}): Promise<T> {
  const json = body === undefined ? undefined : JSON.stringify(body);
  const headers = json === undefined ? options.headers : { "Content-Type": "application/json", ...options.headers };
  const response = await send(method, path, json, { ...options, headers });
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** What a person is told of any error. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) {
    // Some dialects say the first detail again in the message, others only that there are details.
    const more = error.details.map((one) => one.message).filter((text) => text !== "" && !error.message.includes(text));
    return [error.message, ...more].join("\n");
  }
  return error instanceof Error ? error.message : String(error);
}
