/**
 * One typed client of our API for the phone pages and the console: paths, bodies and answers come from the OpenAPI
 * document (`schema.d.ts`, made at build time), so that a renamed field fails the build and not a citizen.
 *
 * How bytes travel is the `Transport`'s business (fetch in a browser, `uni.request` in a mini-program); how long a
 * session lives is decided here: an access token that has ended is renewed once, by one request for all who wait.
 */
import type { paths } from './schema'
import { language } from './words'

export interface Wire {
  method: string
  url: string
  headers: Record<string, string>
  /** JSON text, a file in a form of its own, or a file's bytes. */
  body?: string | FormData | Blob | ArrayBuffer
  /** Is told how much of a file has gone out, from 0 to 1, where the platform knows. */
  onSent?: (share: number) => void
}
/** A file that is sent as it is, its type in Content-Type. */
export interface RawFile {
  bytes: Blob | ArrayBuffer
  type: string
  onSent?: (share: number) => void
}
export interface WireAnswer {
  status: number
  header: (name: string) => string | null
  text: string
}
/** Sends one request; rejects only if no answer came. */
export type Transport = (wire: Wire) => Promise<WireAnswer>

export interface Tokens {
  access_token: string
  refresh_token: string
}
/** A session on this device, and whose it is (an id): windows of one browser share what is kept. */
export interface Session extends Tokens {
  person: string
}
/** Where one session stays between two openings of the page. */
export interface SessionStore {
  load(): Session | null
  save(session: Session | null): void
}

export interface FieldProblem {
  pointer: string
  code: string
  detail: string
}
/** The server said no: `code` is for programs, `message` is its sentence for people (what to do next). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly fields: FieldProblem[] = [],
    /** Seconds after which it may be tried again, where the server said so. */
    readonly retryAfter: number | null = null,
    readonly body: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail)
  }
}
/** No answer came: the request may or may not have been carried out; the same key makes a retry harmless. */
export class Offline extends Error {}

type Sent = Wire['body']
type Method = 'get' | 'post' | 'put' | 'delete'
type Long<P extends string> = `/api/v1${P}`
/** The paths of a method, without `/api/v1`. */
export type Path<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends { responses: unknown } ? (P extends Long<infer S> ? S : never) : never
}[keyof paths]
type Operation<M extends Method, P extends string> = Long<P> extends keyof paths
  ? NonNullable<paths[Long<P>][M]>
  : never
type Good<R> = R extends Record<200, infer A> ? A : R extends Record<201, infer A> ? A : R extends Record<202, infer A> ? A : never
/** What a good answer of this call holds. */
export type Answer<M extends Method, P extends Path<M>> =
  Operation<M, P> extends { responses: infer R }
    ? Good<R> extends { content: { 'application/json': infer J } }
      ? J
      : undefined
    : never
type Body<O> = O extends { requestBody: { content: { 'application/json': infer B } } } ? B : undefined
export type BodyOf<M extends Method, P extends Path<M>> = Body<Operation<M, P>>
type Query<O> = O extends { parameters: { query?: infer Q } } ? Q : never
export type QueryOf<M extends Method, P extends Path<M>> = NonNullable<Query<Operation<M, P>>>
type InPath<O> = O extends { parameters: { path: infer V } } ? V : Record<string, string>

export interface Options<M extends Method, P extends Path<M>> {
  path?: InPath<Operation<M, P>>
  query?: QueryOf<M, P>
  body?: BodyOf<M, P>
  /** `Idempotency-Key`: keep it for every retry of the same wish. */
  key?: string
  /** A file instead of a JSON body. */
  file?: FormData | RawFile
}

// The same without the types of one call: inside the client they would only be unions too large to compute.
interface Loose {
  path?: Record<string, unknown>
  key?: string
  query?: Record<string, unknown>
  body?: unknown
  file?: FormData | RawFile
}

/** A key for one wish of a person (8–64 letters): made once, kept through every retry. */
export function newKey(): string {
  const letters = '0123456789abcdefghijklmnopqrstuvwxyz'
  let key = ''
  // Uniqueness per person and route is all that is asked of it; nobody gains by guessing it.
  for (let place = 0; place < 24; place++) key += letters[Math.floor(Math.random() * letters.length)]
  return key
}

/** What a list answers. */
export interface Page<T> {
  items: T[]
  next_cursor: string | null
}

export class Api {
  private session: Session | null
  private renewing: Promise<boolean> | null = null
  private isLeaving = false

  /**
   * @param onEnd called when the session ended for good without being asked to; `isTaken`: another window of this
   *   browser has signed somebody else in meanwhile.
   */
  constructor(
    private readonly send: Transport,
    private readonly store: SessionStore,
    private readonly onEnd: (isTaken: boolean) => void = () => {},
    private readonly base = '',
  ) {
    this.session = store.load()
  }

  get isSignedIn(): boolean {
    return this.session !== null
  }

  /** Whether it is this person's session. */
  isOf(person: string): boolean {
    return this.session?.person === person
  }

  /** Begins a session on this device. */
  signIn({ access_token, refresh_token }: Tokens, person: string): void {
    this.keep({ access_token, refresh_token, person })
  }

  /** Ends it here; the server knows, or is not asked. */
  forget(): void {
    this.keep(null)
  }

  /** Tells the server that the session ends; it ends here even without an answer. */
  async signOut(): Promise<void> {
    this.isLeaving = true
    // Also one that another window has begun.
    this.session ??= this.store.load()
    try {
      if (this.session) await this.wire('POST', '/auth/logout', {})
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Offline)) throw error
    } finally {
      this.isLeaving = false
      this.forget()
    }
  }

  /**
   * Goes on with what another window of this browser has made of the session: it may have renewed it, ended it, or
   * begun one of somebody else, under whose name nothing of this window may be sent.
   */
  follow(): void {
    if (!this.session) return
    const kept = this.store.load()
    const isMine = kept !== null && kept.person === this.session.person
    this.session = isMine ? kept : null
    if (!isMine && !this.isLeaving) this.onEnd(kept !== null)
  }

  get<P extends Path<'get'>>(path: P, options: Options<'get', P> = {}): Promise<Answer<'get', P>> {
    return this.call('get', path, options as Loose) as Promise<Answer<'get', P>>
  }
  post<P extends Path<'post'>>(path: P, options: Options<'post', P> = {}): Promise<Answer<'post', P>> {
    return this.call('post', path, options as Loose) as Promise<Answer<'post', P>>
  }
  put<P extends Path<'put'>>(path: P, options: Options<'put', P> = {}): Promise<Answer<'put', P>> {
    return this.call('put', path, options as Loose) as Promise<Answer<'put', P>>
  }
  delete<P extends Path<'delete'>>(path: P, options: Options<'delete', P> = {}): Promise<Answer<'delete', P>> {
    return this.call('delete', path, options as Loose) as Promise<Answer<'delete', P>>
  }

  /** The Bearer header of the moment, for streams and downloads that need a request of their own. */
  authorization(): Record<string, string> {
    return this.session ? { Authorization: `Bearer ${this.session.access_token}` } : {}
  }

  /** Renews the access token; false if the session is over. One request for all who ask at the same time. */
  renew(): Promise<boolean> {
    this.renewing ??= this.renewOnce().finally(() => (this.renewing = null))
    return this.renewing
  }

  private async call(method: Method, path: string, options: Loose): Promise<unknown> {
    const values = options.path
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values?.[name])))
    const headers: Record<string, string> = {}
    if (options.key) headers['Idempotency-Key'] = options.key
    const { file, body: given } = options
    const raw = file && 'bytes' in file ? file : undefined
    const body: Sent = raw ? raw.bytes : ((file as FormData | undefined) ?? (given === undefined ? undefined : JSON.stringify(given)))
    if (raw) headers['Content-Type'] = raw.type
    else if (typeof body === 'string') headers['Content-Type'] = 'application/json'
    const url = filled + queryText(options.query)
    const text = await this.wire(method.toUpperCase(), url, headers, body, raw?.onSent)
    return text ? JSON.parse(text) : undefined
  }

  private async wire(
    method: string,
    url: string,
    headers: Record<string, string>,
    body?: Sent,
    onSent?: (share: number) => void,
  ): Promise<string> {
    const used = this.session
    let answer = await this.once(method, url, headers, body, onSent)
    if (answer.status === 401 && used && problemCode(answer) === 'unauthenticated') {
      // Somebody else may have renewed it while this request was under way.
      if (this.isNewerThan(used) || (await this.renew())) answer = await this.once(method, url, headers, body, onSent)
    }
    if (answer.status >= 400) throw problemOf(answer)
    return answer.text
  }

  private async once(
    method: string,
    url: string,
    headers: Record<string, string>,
    body?: Sent,
    onSent?: (share: number) => void,
  ): Promise<WireAnswer> {
    const all = { ...headers, ...this.authorization(), 'Accept-Language': language.value }
    try {
      return await this.send({
        method,
        url: `${this.base}/api/v1${url}`,
        headers: all,
        ...(body === undefined ? {} : { body }),
        ...(onSent ? { onSent } : {}),
      })
    } catch {
      throw new Offline('offline')
    }
  }

  private async renewOnce(): Promise<boolean> {
    const used = this.session
    this.follow()
    if (!used || !this.session) return false
    if (this.isNewerThan(used)) return true
    const answer = await this.once('POST', '/auth/refresh', { 'Content-Type': 'application/json' }, JSON.stringify({ refresh_token: used.refresh_token }))
    // Meanwhile the session may have ended here, or another window was quicker.
    this.follow()
    if (!this.session) return false
    if (this.isNewerThan(used)) return true
    if (answer.status === 200) {
      this.signIn(JSON.parse(answer.text) as Tokens, used.person)
      return true
    }
    if (answer.status === 401) {
      this.forget()
      if (!this.isLeaving) this.onEnd(false)
      return false
    }
    throw problemOf(answer)
  }

  private isNewerThan(used: Session): boolean {
    return this.session !== null && this.session.access_token !== used.access_token
  }

  private keep(session: Session | null): void {
    this.session = session
    this.store.save(session)
  }
}

function queryText(query: Record<string, unknown> | undefined): string {
  const pairs = Object.entries(query ?? {})
    .filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`)
  return pairs.length ? `?${pairs.join('&')}` : ''
}

function problemCode(answer: WireAnswer): string {
  return problemOf(answer).code
}

/** The problem that an answer is, also where a proxy in between answered with something else. */
export function problemOf(answer: WireAnswer): Problem {
  let body: Record<string, unknown> = {}
  try {
    body = JSON.parse(answer.text) as Record<string, unknown>
  } catch {
    // not ours: the status alone speaks
  }
  const seconds = Number(answer.header('Retry-After'))
  return new Problem(
    answer.status,
    typeof body['code'] === 'string' ? body['code'] : 'unknown',
    typeof body['detail'] === 'string' ? body['detail'] : '',
    Array.isArray(body['errors']) ? (body['errors'] as FieldProblem[]) : [],
    Number.isFinite(seconds) && seconds > 0 ? seconds : null,
    body,
  )
}
