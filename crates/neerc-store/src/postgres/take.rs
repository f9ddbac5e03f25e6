//! Who serves from a database: one row says it, by the clock of the database alone, and each who takes over counts up the
//! epoch. The row that every commit compares is set after that, which waits for a commit that is under way; so nothing
//! of an earlier epoch is stored once this is done.

use super::error::PostgresError;
use super::session::{Session, within};
use crate::{StoreError, limits};
use std::path::Path;
use std::time::Duration;

/// What whoever serves has: until when is known to the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Which one it is. It goes up each time somebody takes over.
    pub epoch: u64,
    /// Of which history the log is: another number once changes were lost or taken back.
    pub generation: u64,
}

/// What the row says of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who it is.
    pub name: String,
    /// Which term is theirs.
    pub epoch: u64,
    /// Until when, by the clock of the database, as it writes it.
    pub until: String,
}

/// Takes over if nobody serves, or the very same holder did. Returns who does otherwise.
pub(crate) async fn take(
    session: &Session,
    store: &Path,
    holder: &str,
    ttl: Duration,
) -> Result<Result<Term, Holder>, StoreError> {
    let doing = "take over";
    let client = session.client();
    let update = "UPDATE lease SET holder = $1, epoch = epoch + 1, until = now() + $2 * interval '1 s' \
                  WHERE until < now() OR holder = $1 RETURNING epoch, generation";
    let seconds = ttl.as_secs_f64();
    let taken = within(limits::STATEMENT, doing, store, client.query_opt(update, &[&holder, &seconds])).await?;
    let Some(taken) = taken else {
        let select = "SELECT holder, epoch, to_char(until, 'YYYY-MM-DD HH24:MI:SS TZH:TZM') FROM lease";
        let row = within(limits::STATEMENT, doing, store, client.query_one(select, &[])).await?;
        return Ok(Err(Holder { name: row.get(0), epoch: crate::rows::stored(row.get(1)), until: row.get(2) }));
    };
    let (epoch, generation): (i64, i64) = (taken.get(0), taken.get(1));
    let update = "UPDATE head SET epoch = $1 WHERE epoch < $1";
    // Waits for what is being stored in an earlier epoch.
    let moved = within(limits::COMMIT, doing, store, client.execute(update, &[&epoch])).await?;
    if moved == 0 {
        let what = format!("epoch {epoch} was over before it began");
        return Err(PostgresError::Fenced { store: store.to_owned(), what }.into());
    }
    Ok(Ok(Term { epoch: crate::rows::stored(epoch), generation: crate::rows::stored(generation) }))
}

/// Lets others serve at once. The epoch stays.
pub(crate) async fn resign(session: &Session, store: &Path, epoch: u64) -> Result<(), StoreError> {
    let update = "UPDATE lease SET until = now() WHERE epoch = $1 AND until > now()";
    let epoch = crate::rows::number_of(epoch);
    within(limits::STATEMENT, "let others take over", store, session.client().execute(update, &[&epoch])).await?;
    Ok(())
}
