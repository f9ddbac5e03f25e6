//! The front as the desk sees it: who is in the rooms, and whom answers and news go to.

use super::Front;
use neerc_core::board::Done;
use neerc_core::clocks::Clocks;
use neerc_core::desk::Faces;
use neerc_core::ledger::{Rooms, Token};
use neerc_core::notice::{Notice, PlanNews};
use neerc_core::people::People;
use neerc_core::plan::Planned;
use neerc_core::planner::HandedOut;
use neerc_core::refusal::Refusal;
use neerc_core::world::World;

impl Rooms for Front {
    fn people(&mut self, room: &str) -> &People {
        Front::people(self, room)
    }

    fn is_known(&self, room: &str) -> bool {
        self.index_of(room).is_some_and(|index| self.halls[index].watch().is_known())
    }
}

impl Faces for Front {
    fn answer(&mut self, now_ms: i64, token: Token, outcome: Result<Done, Refusal>, world: World<'_>) {
        Front::answer(self, now_ms, token.number, outcome, world);
    }

    fn tell(&mut self, now_ms: i64, room: &str, revision: u64, notice: Notice) {
        Front::tell(self, now_ms, room, revision, notice);
    }

    fn handed_out(&mut self, handed_out: HandedOut, world: World<'_>) {
        Front::handed_out(self, handed_out, world);
    }

    fn ask_planner(&mut self, room: &str, planned: Planned) {
        Front::ask_planner(self, room, planned);
    }

    fn plan_news(&mut self, news: PlanNews, world: World<'_>) {
        Front::plan_news(self, news, world);
    }

    fn say_clocks(&mut self, clocks: &mut Clocks) {
        Front::say_clocks(self, clocks);
    }
}
