//! One connection to PostgreSQL, as diesel sees it.
//!
//! diesel-async's own connection keeps no SQLSTATE, and prepares every
//! `sql_query` anew, at the cost of a round trip. This one keeps each statement
//! prepared by its text, and sorts faults by their SQLSTATE. Statements of
//! several tasks may be under way at once: they are pipelined in the order in
//! which they were first polled.

use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use diesel::QueryResult;
use diesel::pg::{Pg, PgMetadataLookup, PgQueryBuilder, PgTypeMetadata};
use diesel::query_builder::bind_collector::RawBytesBindCollector;
use diesel::query_builder::{AsQuery, QueryBuilder, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel_async::{AsyncConnectionCore, SimpleAsyncConnection};
use futures_util::future::{BoxFuture, Either, Ready, join, ready};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryStreamExt, poll};
use lru::LruCache;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, RowStream, Statement};

use super::fault::{diesel_error, is_outdated_statement, lost_race};
use super::pending::PendingAnswers;
use super::row::{Bind, PgRow};

/// Statements that a connection keeps prepared. The server keeps a plan for each: some 50 KB.
const MAX_PREPARED_STATEMENTS: NonZeroUsize = NonZeroUsize::new(200).expect("200 is not zero");

/// A connection to PostgreSQL.
pub struct Connection {
    client: Client,
    statements: Mutex<LruCache<String, PreparedStatement>>,
    /// Whether BEGIN is to be sent together with the next statement.
    begin_is_due: AtomicBool,
    /// Whether a transaction is open, or about to be.
    in_transaction: AtomicBool,
    /// Whether a statement of the open transaction has failed: PostgreSQL would answer COMMIT by rolling back.
    has_failed: Arc<AtomicBool>,
    /// Held while a statement is prepared and sent: statements reach the server in the order in
    /// which their futures were first polled, also where one has to be prepared first.
    send_order: tokio::sync::Mutex<()>,
    pending: PendingAnswers,
}

/// Sends the request of `future` by polling it once; returns what waits for the answer.
async fn send<F: Future>(future: F) -> Either<Ready<F::Output>, Pin<Box<F>>> {
    let mut future = Box::pin(future);
    match poll!(future.as_mut()) {
        Poll::Ready(answer) => Either::Left(ready(answer)),
        Poll::Pending => Either::Right(future),
    }
}

/// A statement as the server knows it.
#[derive(Clone)]
struct PreparedStatement {
    statement: Statement,
    types: Vec<Type>,
}

/// A statement as diesel wrote it: its text, and the values bound to it.
struct SqlWithBinds {
    sql: String,
    types: Vec<Type>,
    binds: Vec<Bind>,
}

impl Connection {
    /// Wraps `client`, whose connection is driven elsewhere.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            statements: Mutex::new(LruCache::new(MAX_PREPARED_STATEMENTS)),
            begin_is_due: AtomicBool::new(false),
            in_transaction: AtomicBool::new(false),
            has_failed: Arc::default(),
            send_order: tokio::sync::Mutex::default(),
            pending: PendingAnswers::default(),
        }
    }

    /// The client below, for what diesel cannot say: COPY.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the connection is open, and in no transaction.
    pub fn is_usable(&self) -> bool {
        !self.client.is_closed() && !self.in_transaction.load(Ordering::Acquire)
    }

    /// Whether nothing is left on it of whoever used it last: it can be lent to somebody else.
    pub fn is_idle(&self) -> bool {
        self.is_usable() && !self.pending.is_abandoned.load(Ordering::Acquire)
    }

    /// Whether statements have waited longer than `limit` while the server answered none.
    pub fn is_silent_for(&self, limit: Duration) -> bool {
        self.pending.is_silent_for(limit)
    }

    /// Begins a transaction. BEGIN goes out together with the first statement.
    pub fn begin(&self) {
        self.in_transaction.store(true, Ordering::Release);
        self.has_failed.store(false, Ordering::Release);
        self.begin_is_due.store(true, Ordering::Release);
    }

    /// Runs `last` and commits, in one round trip.
    ///
    /// Fails, with everything rolled back, if `last` or an earlier statement of the transaction failed.
    pub async fn commit_after<T>(&self, last: impl Future<Output = QueryResult<T>>) -> QueryResult<T> {
        if self.has_failed.load(Ordering::Acquire) {
            self.rollback().await?;
            return Err(DieselError::RollbackTransaction);
        }
        let mut last = pin!(last);
        let (last, committed) = match poll!(last.as_mut()) {
            // It failed before anything of it was sent: COMMIT would keep the rest.
            Poll::Ready(Err(error)) => {
                self.rollback().await?;
                return Err(error);
            }
            Poll::Ready(Ok(value)) => (Ok(value), self.run_text("COMMIT").await),
            // The first poll has put it ahead of COMMIT.
            Poll::Pending => join(last, self.run_text("COMMIT")).await,
        };
        self.in_transaction.store(false, Ordering::Release);
        let last = last?;
        committed?;
        Ok(last)
    }

    /// Commits.
    pub async fn commit(&self) -> QueryResult<()> {
        if self.begin_is_due.swap(false, Ordering::AcqRel) {
            // Nothing was sent: there is nothing to commit.
            self.in_transaction.store(false, Ordering::Release);
            return Ok(());
        }
        self.commit_after(ready(Ok(()))).await
    }

    /// Rolls back.
    pub async fn rollback(&self) -> QueryResult<()> {
        if !self.begin_is_due.swap(false, Ordering::AcqRel) {
            self.run_text("ROLLBACK").await?;
        }
        self.in_transaction.store(false, Ordering::Release);
        Ok(())
    }

    /// Marks a place in the transaction to go back to.
    pub async fn set_savepoint(&self) -> QueryResult<()> {
        self.run_text("SAVEPOINT inner_step").await
    }

    /// Keeps what was done since the last savepoint.
    pub async fn release_savepoint(&self) -> QueryResult<()> {
        self.run_text("RELEASE SAVEPOINT inner_step").await
    }

    /// Goes back to the last savepoint: the transaction is good again.
    pub async fn return_to_savepoint(&self) -> QueryResult<()> {
        self.run_text("ROLLBACK TO SAVEPOINT inner_step").await?;
        self.has_failed.store(false, Ordering::Release);
        Ok(())
    }

    /// Runs statements without values, in their turn.
    async fn run_text(&self, sql: &str) -> QueryResult<()> {
        let turn = self.send_order.lock().await;
        let begin = self.send_begin().await;
        let answer = send(self.client.batch_execute(sql)).await;
        drop(turn);
        let (begun, done) = (begin.await, answer.await);
        self.mark_failed_on_error(begun.and(done).map_err(diesel_error))
    }

    /// Sends BEGIN, if it is due; returns what waits for its answer.
    async fn send_begin(&self) -> impl Future<Output = Result<(), tokio_postgres::Error>> {
        if self.begin_is_due.swap(false, Ordering::AcqRel) {
            Either::Left(send(self.client.batch_execute("BEGIN")).await)
        } else {
            Either::Right(ready(Ok(())))
        }
    }

    /// Remembers that a statement has failed.
    fn mark_failed_on_error<T>(&self, done: QueryResult<T>) -> QueryResult<T> {
        if done.is_err() {
            self.has_failed.store(true, Ordering::Release);
        }
        done
    }

    /// Runs a statement, and returns its rows as they arrive.
    async fn query(&self, query: QueryResult<SqlWithBinds>) -> QueryResult<RowStream> {
        let query = query?;
        let mut answer = self.pending.expect_one();
        let rows = match self.send_query(&query).await {
            Err(fault) if is_outdated_statement(&fault) => {
                self.statements.lock().unwrap_or_else(PoisonError::into_inner).pop(&query.sql);
                match self.in_transaction.load(Ordering::Acquire) {
                    // The transaction is lost, and can be run again from its beginning.
                    true => Err(lost_race(fault)),
                    false => self.send_query(&query).await.map_err(diesel_error),
                }
            }
            rows => rows.map_err(diesel_error),
        };
        answer.is_answered = true;
        self.mark_failed_on_error(rows)
    }

    /// Sends a statement in its turn, and waits for its answer.
    async fn send_query(&self, query: &SqlWithBinds) -> Result<RowStream, tokio_postgres::Error> {
        let turn = self.send_order.lock().await;
        let begin = self.send_begin().await;
        let statement = self.prepare(query).await?;
        let rows = send(self.client.query_raw(&statement, &query.binds)).await;
        drop(turn);
        begin.await?;
        rows.await
    }

    async fn prepare(&self, query: &SqlWithBinds) -> Result<Statement, tokio_postgres::Error> {
        let known = {
            let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
            statements.get(&query.sql).filter(|known| known.types == query.types).cloned()
        };
        if let Some(known) = known {
            return Ok(known.statement);
        }
        let statement = self.client.prepare_typed(&query.sql, &query.types).await?;
        let prepared = PreparedStatement { statement: statement.clone(), types: query.types.clone() };
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        statements.put(query.sql.clone(), prepared);
        Ok(statement)
    }

    fn load_rows<'a>(
        &'a self,
        query: QueryResult<SqlWithBinds>,
    ) -> BoxFuture<'a, QueryResult<BoxStream<'static, QueryResult<PgRow>>>> {
        async move {
            let rows = self.query(query).await?;
            let (has_failed, mut oids) = (self.has_failed.clone(), None);
            let rows = rows.map_ok(move |row| PgRow::new(row, &mut oids)).map_err(move |fault| {
                has_failed.store(true, Ordering::Release);
                diesel_error(fault)
            });
            Ok(rows.boxed())
        }
        .boxed()
    }

    fn count_rows<'a>(&'a self, query: QueryResult<SqlWithBinds>) -> BoxFuture<'a, QueryResult<usize>> {
        async move {
            let mut rows = std::pin::pin!(self.query(query).await?);
            while let Some(row) = rows.next().await {
                row.map_err(|fault| {
                    self.has_failed.store(true, Ordering::Release);
                    diesel_error(fault)
                })?;
            }
            Ok(rows.rows_affected().unwrap_or_default().try_into().unwrap_or(usize::MAX))
        }
        .boxed()
    }
}

impl SqlWithBinds {
    fn of<T: QueryFragment<Pg>>(query: &T) -> QueryResult<Self> {
        let mut builder = PgQueryBuilder::default();
        query.to_sql(&mut builder, &Pg)?;
        let mut collector = RawBytesBindCollector::<Pg>::new();
        query.collect_binds(&mut collector, &mut BuiltInTypes, &Pg)?;
        let oids = collector.metadata.iter().map(PgTypeMetadata::oid);
        let types = oids.map(|oid| Type::from_oid(oid.ok()?)).collect::<Option<Vec<_>>>();
        let types = types.ok_or_else(|| DieselError::SerializationError("not a built-in type".into()))?;
        Ok(Self { sql: builder.finish(), types, binds: collector.binds.into_iter().map(Bind).collect() })
    }
}

/// The types of our schema: all of them are PostgreSQL's own, so that none has to be looked up.
struct BuiltInTypes;

impl PgMetadataLookup for BuiltInTypes {
    fn lookup_type(&mut self, _: &str, _: Option<&str>) -> PgTypeMetadata {
        PgTypeMetadata::new(0, 0)
    }
}

impl SimpleAsyncConnection for Connection {
    async fn batch_execute(&mut self, sql: &str) -> QueryResult<()> {
        self.run_text(sql).await
    }
}

impl SimpleAsyncConnection for &Connection {
    async fn batch_execute(&mut self, sql: &str) -> QueryResult<()> {
        self.run_text(sql).await
    }
}

impl AsyncConnectionCore for Connection {
    type ExecuteFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<usize>>;
    type LoadFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<Self::Stream<'conn, 'query>>>;
    type Stream<'conn, 'query> = BoxStream<'static, QueryResult<PgRow>>;
    type Row<'conn, 'query> = PgRow;
    type Backend = Pg;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Pg> + QueryId + 'query,
    {
        self.load_rows(SqlWithBinds::of(&source.as_query()))
    }

    fn execute_returning_count<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Pg> + QueryId + 'query,
    {
        self.count_rows(SqlWithBinds::of(&source))
    }
}

impl<'a> AsyncConnectionCore for &'a Connection {
    type ExecuteFuture<'conn, 'query> = BoxFuture<'a, QueryResult<usize>>;
    type LoadFuture<'conn, 'query> = BoxFuture<'a, QueryResult<Self::Stream<'conn, 'query>>>;
    type Stream<'conn, 'query> = BoxStream<'static, QueryResult<PgRow>>;
    type Row<'conn, 'query> = PgRow;
    type Backend = Pg;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Pg> + QueryId + 'query,
    {
        self.load_rows(SqlWithBinds::of(&source.as_query()))
    }

    fn execute_returning_count<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Pg> + QueryId + 'query,
    {
        self.count_rows(SqlWithBinds::of(&source))
    }
}
