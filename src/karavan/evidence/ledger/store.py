"""Where a ledger's rows lie: SQLite in a file, or PostgreSQL by URL. All that differs between the two stands here.

Statements are written once, with `?` for a parameter. Rows are only ever added: triggers refuse UPDATE and DELETE.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from karavan.errors import FormatError, KaravanError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import psycopg

Row = tuple[Any, ...]

VERSION = 1  # of the tables below
APPLICATION = 0x4B415256  # "KARV": tells a ledger from other SQLite files
FEW = 5000  # rows of a full-text answer that are put in order here
WAIT_SECONDS = 60.0  # for another writer
TABLES = ("documents", "texts", "readings", "facts", "supersessions", "terms", "postings")

# {key}: a number given by the only writer; {wide}: what WITHOUT ROWID is in SQLite.
DDL = """
CREATE TABLE IF NOT EXISTS documents (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, title TEXT NOT NULL, published TEXT, published_basis TEXT NOT NULL,
  address TEXT NOT NULL, publisher TEXT NOT NULL, media_type TEXT NOT NULL, language TEXT NOT NULL,
  recorded TEXT NOT NULL, details TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS texts (document_id TEXT PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS readings (
  document_id TEXT NOT NULL, reading TEXT NOT NULL, facts INTEGER NOT NULL, recorded TEXT NOT NULL,
  PRIMARY KEY (document_id, reading));
CREATE TABLE IF NOT EXISTS facts (
  seq {key}, fact_id TEXT NOT NULL, version INTEGER NOT NULL, document_id TEXT NOT NULL, kind TEXT NOT NULL,
  status TEXT NOT NULL, published TEXT, recorded TEXT NOT NULL, who TEXT NOT NULL, payload TEXT NOT NULL,
  UNIQUE (fact_id, version));
CREATE INDEX IF NOT EXISTS facts_document ON facts (document_id);
CREATE INDEX IF NOT EXISTS facts_recorded ON facts (recorded, seq);
CREATE INDEX IF NOT EXISTS facts_kind ON facts (kind, seq);
CREATE INDEX IF NOT EXISTS facts_status ON facts (status, seq);
CREATE TABLE IF NOT EXISTS supersessions (
  old_seq INTEGER PRIMARY KEY, new_seq INTEGER, recorded TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS terms (id {key}, term TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS postings (
  term INTEGER NOT NULL, first INTEGER NOT NULL, seq INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (term, first, seq)){wide};
"""


class Store(Protocol):
    """What the ledger asks of a database. `search` joins the full-text index to the facts, newest readable first."""

    search: str
    newest: str

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a query."""

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it added."""

    def run_many(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each set of parameters."""

    def index_quotes(self, quotes: Sequence[tuple[int, str]]) -> None:
        """Enter the words of quotes into the full-text index."""

    def write(self) -> AbstractContextManager[None]:
        """Hold the only writer's place; all that is done within is kept, or nothing."""

    def few(self, words: str) -> list[int] | None:
        """Return the versions whose quotes answer a query, newest first; None where they may be many."""

    def words(self, text: str) -> str:
        """Return the query for quotes that hold all words of a text."""

    def close(self) -> None:
        """Close it."""


def open_store(place: str | Path) -> Store:
    """Open or make a ledger: a `postgresql://` URL (its fragment names the schema, `karavan` by default), else a file.

    Raises `FormatError` where a file is there and is no ledger, `MissingExtra` where psycopg is not installed.
    """
    text = str(place)
    if text.startswith(("postgresql://", "postgres://")):
        return PostgresStore(text)
    if re.match(r"[a-z][a-z0-9+]+://", text):
        message = f"{text.split(':', 1)[0]} is no database for a ledger: give a file, or a postgresql:// URL"
        raise FormatError(message)
    return SqliteStore(Path(text))


def statements(ddl: str) -> list[str]:
    """Split definitions at the semicolons that end a line."""
    return [s for s in (part.strip() for part in re.split(r";\s*(?:\n|$)", ddl)) if s]


def default_ledger() -> Path:
    """Return the file of a ledger that nobody named: `karavan/facts.db` in the folder for a user's data.

    That is `$XDG_DATA_HOME`, else `%LOCALAPPDATA%` where there is one, else `~/.local/share`.
    """
    given = os.environ.get("XDG_DATA_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(given) if given else Path.home() / ".local" / "share") / "karavan" / "facts.db"


class SqliteStore:
    """A ledger in a file: WAL, so that readers never wait; every commit is on the disk before it is reported."""

    search = "quotes CROSS JOIN facts f ON f.seq = quotes.rowid WHERE quotes MATCH ?"
    newest = "quotes.rowid DESC"

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._link = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            self._check()
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._link.close()
            message = f"{path} cannot be used as a ledger: {error}"
            raise FormatError(message) from error
        except KaravanError:
            self._link.close()
            raise

    def _check(self) -> None:
        # the tables first: another program that is making the ledger writes them and its mark in one step
        tables = self._link.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        (kind,), (version,) = (self._link.execute(f"PRAGMA {p}").fetchone() for p in ("application_id", "user_version"))
        if kind != APPLICATION and tables:
            message = f"{self.path} is a database of something else, not a ledger; choose another file"
            raise FormatError(message)
        if kind == APPLICATION and version > VERSION:
            message = f"{self.path} was written by a newer Karavan (ledger version {version}); update Karavan"
            raise FormatError(message)

    def _prepare(self) -> None:
        self._link.execute("PRAGMA synchronous = FULL")
        self._link.execute("PRAGMA cache_size = -32000")
        if self._link.execute("PRAGMA user_version").fetchone()[0] == VERSION:
            return
        deadline = time.monotonic() + WAIT_SECONDS
        while True:  # two programs may make the same ledger; changing the journal does not wait by itself
            try:
                self._link.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        with self.write():
            for statement in statements(DDL.format(key="INTEGER PRIMARY KEY", wide=" WITHOUT ROWID")):
                self._link.execute(statement)
            self._link.execute(
                "CREATE VIRTUAL TABLE IF NOT EXISTS quotes "
                "USING fts5(quote, content='', tokenize='unicode61 remove_diacritics 2')"
            )
            for table in TABLES:
                for action in ("UPDATE", "DELETE"):
                    self._link.execute(
                        f"CREATE TRIGGER IF NOT EXISTS {table}_{action} BEFORE {action} ON {table} "
                        "BEGIN SELECT RAISE(ABORT, 'a ledger only grows'); END"
                    )
            self._link.execute(f"PRAGMA application_id = {APPLICATION}")
            self._link.execute(f"PRAGMA user_version = {VERSION}")

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a query."""
        return self._link.execute(sql, parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it added."""
        return self._link.execute(sql, parameters).rowcount

    def run_many(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each set of parameters."""
        self._link.executemany(sql, parameters)

    def index_quotes(self, quotes: Sequence[tuple[int, str]]) -> None:
        """Enter the words of quotes into the full-text index."""
        self.run_many("INSERT INTO quotes (rowid, quote) VALUES (?, ?)", quotes)

    @contextmanager
    def write(self) -> Iterator[None]:
        """Hold the only writer's place; all that is done within is kept, or nothing."""
        self._link.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._link.execute("COMMIT")
        except BaseException:
            if self._link.in_transaction:
                self._link.execute("ROLLBACK")
            raise

    def few(self, words: str) -> list[int] | None:  # noqa: ARG002
        """Return None: the index gives its rows newest first, few or many."""
        return None

    def words(self, text: str) -> str:
        """Return the query for quotes that hold all words of a text; what stands in double quotes is a phrase."""
        return " ".join(f'"{phrase}"' for phrase in phrases(text))

    def close(self) -> None:
        """Close the file."""
        self._link.close()


class PostgresStore:
    """A ledger of a team in PostgreSQL, in a schema of its own. One writer at a time; readers never wait."""

    search = "quotes JOIN facts f ON f.seq = quotes.seq WHERE quotes.words @@ to_tsquery('simple', ?)"
    newest = "quotes.seq DESC"

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise MissingExtra("psycopg", "server") from error  # noqa: EM101 (names, not a message)
        address, _, fragment = url.partition("#")
        self.schema = fragment or "karavan"
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", self.schema):
            message = f"{self.schema!r} is no schema name: lower-case letters, digits and _"
            raise FormatError(message)
        self._error: type[Exception] = psycopg.Error
        try:
            self._link: psycopg.Connection[Row] = psycopg.connect(address, autocommit=True)
        except psycopg.Error as error:
            message = f"no ledger at {without_password(address)}: {str(error).splitlines()[0]}"
            raise FormatError(message) from None
        self._execute(f"SET search_path TO {self.schema}")
        if self._missing():
            with self.write():
                self._make()

    def _missing(self) -> bool:
        return self.rows("SELECT to_regclass(?)", (f"{self.schema}.quotes",))[0][0] is None

    def _make(self) -> None:
        self._execute(f"CREATE SCHEMA IF NOT EXISTS {self.schema}")
        if not self._missing():  # another program was faster
            return
        for statement in statements(DDL.format(key="BIGINT PRIMARY KEY", wide="")):
            self._execute(statement)
        self._execute("CREATE TABLE quotes (seq BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)")
        self._execute("CREATE INDEX quotes_words ON quotes USING gin (words)")
        self._execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'a ledger only grows'; END $$"
        )
        for table in (*TABLES, "quotes"):
            self._execute(
                f"CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION refuse()"
            )

    def _execute(self, sql: str, parameters: Sequence[Any] = ()) -> psycopg.Cursor[Row]:
        # "%" is left alone by psycopg where no parameters are passed, and must be doubled where they are.
        query = sql.replace("%", "%%").replace("?", "%s") if parameters else sql
        return self._link.execute(query.encode(), parameters or None)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a query."""
        return self._execute(sql, parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it added."""
        return self._execute(sql, parameters).rowcount

    def run_many(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each set of parameters."""
        with self._link.cursor() as cursor:
            cursor.executemany(sql.replace("?", "%s").encode(), parameters)

    def index_quotes(self, quotes: Sequence[tuple[int, str]]) -> None:
        """Enter the words of quotes into the full-text index, folded as SQLite folds them."""
        folded = [(seq, " ".join(tokens(quote))) for seq, quote in quotes]
        self.run_many("INSERT INTO quotes (seq, words) VALUES (?, to_tsvector('simple', ?))", folded)

    @contextmanager
    def write(self) -> Iterator[None]:
        """Hold the only writer's place; all that is done within is kept, or nothing."""
        with self._link.transaction():
            self._execute("SELECT pg_advisory_xact_lock(hashtext(?))", (f"karavan ledger {self.schema}",))
            yield

    def few(self, words: str) -> list[int] | None:
        """Return the versions whose quotes answer a query, newest first; None where there are more than `FEW`.

        The index knows which rows have a word, not their order. A planner that guesses wrongly how rare a word is reads
        the whole table backwards for it, so rare words are looked up first.
        """
        sql = "SELECT seq FROM quotes WHERE words @@ to_tsquery('simple', ?) LIMIT ?"
        found = [int(row[0]) for row in self.rows(sql, (words, FEW + 1))]
        return sorted(found, reverse=True) if len(found) <= FEW else None

    def words(self, text: str) -> str:
        """Return the query for quotes that hold all words of a text; what stands in double quotes is a phrase."""
        return " & ".join("(" + " <-> ".join(phrase.split()) + ")" for phrase in phrases(text))

    def close(self) -> None:
        """Close the connection."""
        self._link.close()


def tokens(text: str) -> list[str]:
    """Return the words of a text as the full-text index has them: lower case, no accents, letters and digits only.

    Examples
    --------
    >>> tokens("Türkiye's port-trade: $1.9bn")
    ['turkiye', 's', 'port', 'trade', '1', '9bn']
    """
    import unicodedata

    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", plain)


def phrases(text: str) -> list[str]:
    """Return the words and the quoted phrases of a search, each as words apart by one space.

    Examples
    --------
    >>> phrases('trade "last year" kazakh-iran')
    ['trade', 'last year', 'kazakh iran']
    """
    found = re.findall(r'"([^"]*)"?|([^\s"]+)', text)
    return [p for p in (" ".join(tokens(a or b)) for a, b in found) if p]


def storable(text: str) -> str:
    """Return text that every database takes: a zero character or half a surrogate pair becomes a replacement mark."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def without_password(url: str) -> str:
    """Return a URL fit to be shown."""
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", url)
