# Words for people, in English. Keys and arguments are the same in all languages; a test compares them.

## The menu: what each command is called, and what it does

form-tasks = Your tasks, or those of whom you choose
item-tasks = Tasks
item-tasks-help = Your tasks; "tasks all" shows everybody's
item-start = Start
item-start-help = You have begun a task
item-done = Done
item-done-help = You have finished a task
item-ok = OK
item-ok-help = You have read it, or the answer is yes
item-fail = Failed
item-fail-help = It did not work, or the answer is no; say why
item-answer = Answer
item-answer-help = The answer to a question
item-undo = Take back
item-undo-help = Take back what you have said of a task
item-who = People
item-who-help = Who is in this room, and in which groups
item-clock = Contest time
item-clock-help = How long the contest has been running and how much is left
form-links = With or without links to tap in what I write to you
item-links = Links
item-links-help = With or without links to tap in what I write to you: links on, links off
form-help = What can be written in the chat, or more of one command
item-help = Help
item-help-help = What you can do; "help done" tells more of one command
item-create = New task
item-create-help = Hand out a task now, or plan it for a time of day or a moment of the contest
item-show = Show task
item-show-help = One task with everybody's answers
item-history = History
item-history-help = Who did what to a task, and when
item-assign = Assign
item-assign-help = Give a task to more people or groups
item-unassign = Unassign
item-unassign-help = Take a task away from people
item-reset = Reset
item-reset-help = Clear people's answers, so that they answer again
item-rename = Rename
item-rename-help = Change the title of a task
item-remove = Remove
item-remove-help = Remove a task for everybody
item-restore = Restore
item-restore-help = Bring back a task that was removed within the last day
item-late = Who is late
item-late-help = Who has not answered what
item-plans = Planned tasks
item-plans-help = What is planned, and for when
item-now = Hand out now
item-now-help = Hand out a planned task without waiting
item-setclock = Set the clock
item-setclock-help = Set the contest clock by hand: start, start at 10:30, pause, resume, set 1:23:00, length 5:00, over, restart; follow goes by the contest system again; rehearse x60 begins a rehearsal, rehearse off ends it
item-deadline = Deadline
item-deadline-help = By when a task is to be answered: 20m, 10:45, end-30, or off
item-checklists = Checklists
item-checklists-help = Which checklists there are, and which of them are under way
item-run = Run a checklist
item-run-help = Hand out a checklist, step by step: the next step once everybody has finished the one before
item-stop = Stop a checklist
item-stop-help = Hand out no more of a checklist; what is handed out stays
item-board = Board in a browser
item-board-help = A link that opens the board in a browser as you; it works once
item-login = Log in a browser
item-login-help = Let the browser in that shows this code; you are told first which one it is
item-sessions = My browsers
item-sessions-help = The browsers in which you are logged in
item-logout = Log out
item-logout-help = Log a browser out, or all of yours
item-token = New token
item-token-help = A token for a wall (display) or a program (read, write); it is shown once
item-tokens = Tokens
item-tokens-help = The tokens of this room: what for, as whom, and who gave them
item-revoke = Revoke a token
item-revoke-help = Turn a token off at once
item-unplan = Unplan
item-unplan-help = Take a task out of the plan

item-replan = Replan
item-replan-help = Change when a planned task is handed out: 10:30, in 20m, end-45
item-remind = Remind
item-remind-help = Remind whoever has not finished a task
item-watch = Watch
item-watch-help = Be told by chat who has answered: all, failures only, or one task
item-unwatch = Watch no more
item-unwatch-help = Be told of answers no more; with a number or "failures", only of these

## Fields of forms

field-task = Task
field-text = Text
field-of = Whose
field-verb = Command
field-kind = Type
field-title = Title
field-names = For whom
field-schedule = When
field-deadline = By when
field-plan = Planned task
field-checklist = Checklist
field-running = Checklist under way
field-holds = Tasks
field-progress = Where it stands
field-code = Code
field-confirm = Is it yours?
field-session = Browser
field-browser = What it is
field-scope = What for
field-name = As whom
field-token = Token
field-giver = Given by
hint-code = The six digits that the page shows
hint-confirm = Yes only if you are in front of that page
hint-every-browser = all of them
field-room = Room
field-user = User
field-groups = Groups
field-rights = Rights
field-status = Answer
field-answered = Answered
field-silent = Nothing said
field-unfinished = Not finished
field-clock = Contest
field-act = What
field-time = Time
field-watched = Answers
field-links = Links
field-happened = What happened
hint-schedule = 10:30, in 20m, start+15 or end-60; with ! it is handed out without asking
hint-names = People and groups
hint-deadline = 20m, 10:45 or end-30
hint-time = 10:30 to start at; 1:23:00 to set; 5:00 for the length; x60 or off for a rehearsal
hint-everybody = everybody's

## Types of tasks and statuses

kind-todo = to do
kind-todofail = to do, may fail
kind-confirm = to confirm
kind-okfail = yes or no
kind-question = question
not-assigned = not assigned
status-none = no answer
status-running = in progress
status-success = done
status-fail = failed
status-acknowledged = seen
status-todofail-fail = could not do it
status-confirm-success = read
status-confirm-fail = not confirmed
status-okfail-success = yes
status-okfail-fail = no
status-question-success = answered
status-question-fail = no answer possible

## Lists

heading-own-tasks = Your tasks:
heading-tasks = Tasks of the room:
heading-tasks-of = Tasks of { $name }:
heading-users = People:
heading-late = Not answered yet:
heading-plans = Planned:
heading-checklists = Checklists ("run" and the name hands one out):
heading-history = Task { $task }, the latest first:
history-created = new task: { $title } — { $people }
history-renamed = new title: { $title }
history-kind = is now: { $kind }
history-assigned = given to { $people }
history-reset = answers cleared: { $people }
history-unassigned = taken from { $people }
history-taken-back = answer taken back: { $people }
history-removed = removed
history-restored = brought back
history-reminded = reminder
history-overdue = late: reminder of the deadline
history-deadline = to be answered { $when }
history-no-deadline = without a deadline from then on
history-planned = planned, { $when }: { $title }
history-replanned = planned task { $plan } moved, { $when }
history-lapsed = nobody said anything of the planned task { $plan }
history-unplanned = planned task { $plan } taken out
history-begun = checklist begun: { $name }
history-stopped = checklist stopped
history-clock-set = contest clock set by hand
history-clock-freed = contest clock goes by its feed again
history-rehearsed = rehearsal begun
history-rehearsal-ended = rehearsal ended, and all of it removed
history-watched = asked to be told of other answers, or of none
history-linked = asked for links, or for none
history-admitted = logged in with a browser
history-logged-out = logged out of a browser
history-link-offered = was given a link to log in with
history-token-given = token { $token } given
history-token-revoked = token { $token } revoked
history-days = { $count ->
    [one] 1 day ago, { $time }
   *[other] { $count } days ago, { $time }
}
heading-sessions = You are logged in with:
heading-tokens = Tokens:
heading-watched = New answers:

## Help in chat, one screen of a phone

help-user =
    tasks — what you have to do
    done 3 — you have done task 3; start 3: you have begun
    ok 3 — you have read it, or the answer is yes
    fail 3 why — it did not work, or the answer is no
    answer 3 your answer — the answer to a question
    undo 3 — take your answer back
    who, clock, links off — people, contest time, no links
    help done — more of one of these
help-web-user =
    board, login 482193, sessions, logout all — in a browser
help-web-admin =
    token display, tokens, revoke k1 — walls and programs
help-admin =
    @todo halls Bring water — a new task: see "help todo"
    show 3, history 3, late, remind 3, watch 3, unwatch — answers
    assign 3 hall1, unassign 3 hall1, reset 3 hall1, deadline 3 20m
    rename 3 Title, remove 3, restore 3; clock: "help setclock"
    plans, now/unplan/replan s1: "help plan"; checklists, run, stop
help-kind-todo =
    @todo halls Bring water — the halls are asked to do it, and answer "start 3" and "done 3".
    What else can be asked: @confirm (read it?), @okfail (yes or no?), @todofail (done, or could not, and why?), @question (an answer in words).
    For whom: "help names". For later: "help plan".
    @todo halls by 20m Bring water — whoever has not answered in 20 minutes is reminded; also by 10:45, by end-30. "deadline 3 20m" does so later.
help-kind-todofail =
    @todofail halls Restart the printer — the halls are asked to do it, and answer "done 3", or "fail 3 why" if they could not.
help-kind-confirm =
    @confirm halls We begin at ten — the halls are asked to read it, and answer "ok 3".
help-kind-okfail =
    @okfail halls Is everybody seated? — the halls are asked yes or no, and answer "yes 3" or "no 3 why".
help-kind-question =
    @question halls How many chairs are free? — the halls answer in words: "answer 3 twelve".
help-names =
    People and groups stand before the title, with commas and no blanks: @todo hall1,halls Bring water
    Before a colon they may stand as you like: @todo hall1, hall2 and admin: Bring water
    Names of several words stand in quotes: @todo "Floor 2" Bring water
    "who" shows all names.
help-moments =
    Planned tasks are handed out at a time of day, or by the contest clock, at minutes from its start or its end:
    @todo halls 10:30 Bring water — at half past ten; in 20m: in 20 minutes
    @todo halls start+15 Bring water — 15 minutes after the start
    @todo halls end-60! Freeze — 60 minutes before the end
    With ! it is handed out then; without it the admins are asked first.
    plans shows what is planned, now s1 hands it out at once, unplan s1 takes it out, replan s1 end-45 moves it.

confirm-no = No, let nobody in
confirm-yes = Yes, it is mine
scope-display = on a wall
scope-read = reads
scope-write = reads and writes
by-machine = on the machine
links-on = In every client
links-off = In none
watched-all = All answers
watched-failures = What did not work

no-tasks = There are no tasks.
no-open-tasks = Nothing to do for you.
no-answered-tasks = You have not said anything of a task yet.
nobody-assigned = Nobody has this task.
no-late = Everybody has answered.
no-plans = Nothing is planned.
no-checklists = There are no checklists. Whoever runs the service names their file in its configuration.
no-runs = No checklist is under way.
no-sessions = You are not logged in with any browser. "board" sends you a link.
no-tokens = There are no tokens.
no-history = What happened to task { $task } is not kept here any more.
history-older = What was before is not kept here any more.
nobody = nobody
admin-mark = admin
group-Admins = Admins
group-Users = Users
and-more = { $count ->
    [one] and 1 more
   *[other] and { $count } more
}
since = since { $time }
since-days = { $count ->
    [one] for 1 day
   *[other] for { $count } days
}
and-more-pages = and { $count } more; write "more"
no-more = There is nothing more to show.
count-tasks = { $count ->
    [one] 1 task
   *[other] { $count } tasks
}
count-open = { $count ->
    [one] 1 open task
   *[other] { $count } open tasks
}
count-people = { $count ->
    [one] 1 person
   *[other] { $count } people
}
count-answered = { $count } of { $total } answered
count-minutes = { $count ->
    [one] 1 minute
   *[other] { $count } minutes
}

## The contest clock

clock-before = The contest has not begun yet.
clock-counting = The contest begins in { $left } and takes { $total }.
clock-countdown-stands = The contest has not begun; the countdown stands at { $left }.
clock-running = Contest time { $elapsed } of { $total }.
clock-paused = The contest is paused at { $elapsed } of { $total }.
clock-over = The contest is over.
clock-by-hand = By hand since { $time }, by { $name }.
clock-silent = No answer from the contest system since { $time }.
clock-act-start = Begin now, or at the time below
clock-act-pause = Pause
clock-act-resume = Go on
clock-act-set = Set the contest time to
clock-act-length = Set the length to
clock-act-over = End the contest
clock-act-restart = Begin anew
clock-act-follow = Go by the contest system again
clock-act-rehearse = Rehearse at the speed below, or end the rehearsal: off
clock-rehearsal = Rehearsal, { $speed } times as fast.
rehearsal-mark = [rehearsal]

## What is said by itself

greeting = Hello, { $name }! I hand out tasks in the room { $room }. Write "help" to see what you can do.
greeting-open = { $count ->
    [one] You have 1 open task. Write "tasks" to see it.
   *[other] You have { $count } open tasks. Write "tasks" to see them.
}
new-task = New task { $task }: { $title }
task-changed = Task { $task } has changed: { $title }
task-removed = Task { $task } was removed.
task-taken = Task { $task } is not yours any more: { $title }
reminder = { $count ->
    [one] 1 task waits for your answer:
   *[other] { $count } tasks wait for your answer:
}
reminder-asked = The jury waits for your answer:
reply-several = Reply with the word and the number: { $examples }; or "help"
example-todo = done { $task }
example-todofail = done { $task }
example-confirm = ok { $task }
example-okfail = yes { $task } or no { $task }
example-question = answer { $task } your answer
reply-todo = Reply "start { $task }" and "done { $task }"
reply-todofail = Reply "start { $task }", "done { $task }" or "fail { $task } why"
reply-confirm = Reply "ok { $task }"
reply-okfail = Reply "yes { $task }" or "no { $task } why"
reply-question = Reply "answer { $task } your answer"
reminder-overdue = This was to be answered { $when }:
task-still-late = Task { $task } was due { $when } and still waits for { $people }: { $title }
plan-due = It is time for the planned task { $plan }: { $title }. Hand it out? Reply "now { $plan }" or "unplan { $plan }"
plan-fulfilled = The planned task { $plan } was handed out as task { $task }: { $title }
plan-fulfilled-late-day = The planned task { $plan } was handed out as task { $task }, { $count ->
    [one] 1 minute
   *[other] { $count } minutes
} late (planned for { $moment }): { $title }
plan-fulfilled-late = The planned task { $plan } was handed out as task { $task }, { $count ->
    [one] 1 minute
   *[other] { $count } minutes
} late (planned for { $moment } of the contest): { $title }
webhook-failing = { $host } has not taken what happens here since { $time } (webhook). It is kept and sent again; whoever runs the service can see why.
webhook-off = { $host } wants to be told nothing more (webhook): nothing is sent there until the service is started again.
one-copy = Since { $time } there is one copy of the tasks only, since the second machine is away. What happens meanwhile is lost if the machine that has it is: whoever runs the service should look.
one-copy-waits = Since { $time } the second machine is away, so nothing is stored or answered until it is back, or until whoever runs the service lets it go on with one copy.
two-copies = The tasks are on two machines again.
changes-lost = What has happened since { $time } may be missing (revisions { $first } to { $last }): the store has gone back to what it was then. Look at the tasks, and hand out again what is not there.
webhook-well = { $host } takes what happens here again (webhook).

plan-lapsed = Nobody has said whether the planned task { $plan } is to be handed out, so nobody is asked any more: { $title }. It stays in the plan; "now { $plan }" still hands it out
plan-decided-now = { $name } has handed out the planned task { $plan } as task { $task }: { $title }
plan-decided-unplan = { $name } has taken the planned task { $plan } out of the plan: { $title }
plan-decided-replan = { $name } has planned { $plan } for another moment, { $when }: { $title }
plan-failed = The planned task { $plan } was not handed out: { $why }. It stays in the plan: { $title }

run-step = Checklist { $checklist }: step { $step } of { $steps } begins.
run-finished = Checklist { $checklist }: everybody has finished all of it.

## Answers to commands

said-created = Task { $task } is handed out to { $count ->
    [0] nobody yet
    [one] 1 person
   *[other] { $count } people
}: { $title }
said-nobody = To hand it out, write "assign { $task } halls" with the names of people or groups.
said-deadline = Task { $task } is to be answered { $when }; whoever is late is reminded.
said-no-deadline = Task { $task } has no deadline.
late-since = due { $when }
due-time = by { $time }
said-planned-day = Planned as { $plan } { $when }: { $title }
said-planned = Planned as { $plan } for { $schedule }, { $when }: { $title }
no-clock-for-plans = There is no contest clock now, so what is planned for a moment of the contest is not handed out by itself. To hand it out, write "now { $plan }".
moment-at-start = at the start
moment-after-start = { $count ->
    [one] 1 minute after the start
   *[other] { $count } minutes after the start
}
moment-before-start = { $count ->
    [one] 1 minute before the start
   *[other] { $count } minutes before the start
}
moment-at-end = at the end
moment-after-end = { $count ->
    [one] 1 minute after the end
   *[other] { $count } minutes after the end
}
moment-before-end = { $count ->
    [one] 1 minute before the end
   *[other] { $count } minutes before the end
}
moment-clock = {" "}(at { $time } of the contest)
moment-wall = {" "}(at { $day })
moment-clock-wall = {" "}(at { $time } of the contest, { $day })
moment-day = at { $time }
day-tomorrow = { $time } tomorrow ({ $year }-{ $month }-{ $date })
day-other = { $time } on { $year }-{ $month }-{ $date }
moment-asked = , if you say so then
said-answered = Task { $task }: { $status }.
said-answered-question = Answer to { $task }: "{ $answer }"
said-changed = Task { $task } is changed. It is now: { $title } — { $people }.
said-unchanged = Nothing to change.
said-removed = Task { $task } is removed.
said-begun = { $count ->
    [one] The checklist is under way: 1 task
   *[other] The checklist is under way: { $count } tasks
} in { $steps ->
    [one] 1 step
   *[other] { $steps } steps
}.
said-stopped = The checklist is stopped. What is handed out stays.
said-rehearsed = This is a rehearsal now: contest time runs { $speed } times as fast, every task is marked, and "clock rehearse off" throws all of them away. Plan tasks and begin checklists, then write "clock start".
said-rehearsal-ended =
    { $count ->
        [0] The rehearsal is over. It left no tasks.
        [one] The rehearsal is over. One task of it is thrown away.
       *[other] The rehearsal is over. { $count } tasks of it are thrown away.
    }
run-over = finished
run-at = under way, step { $step } of { $steps }, by { $name }
run-since = under way since { $time }, step { $step } of { $steps }, by { $name }
count-lines = { $count ->
    [one] 1 task
   *[other] { $count } tasks
}
count-steps = { $count ->
    [one] 1 step
   *[other] { $count } steps
}
moment-turn = when its turn comes
moment-step = in step { $step } of { $checklist }
said-replanned = { $plan } is now planned { $when }: { $title }
plan-mark-waits = , waits for "now" or "unplan"
plan-mark-lapsed = , lapsed: nobody said anything
said-unplanned = { $plan } is out of the plan.
said-restored = Task { $task } is back: { $title } — { $people }.
said-reminded = Task { $task } waits for { $people }; whoever of them is online is reminded.
said-admitted = That browser is logged in. If it was not yours, write "logout all" now.
said-logged-out = { $count ->
    [one] One browser is logged out.
   *[other] { $count } browsers are logged out.
}
said-login-link = { $url }
    Opens the board as you. It works once, within { $minutes } minutes; give it to nobody.
said-token-display = { $token } shows the board as { $name } sees it, on a wall:
    { $secret }
    It is shown only now. "revoke { $token }" turns it off.
said-token-read = { $token } reads as { $name }:
    { $secret }
    It is shown only now. "revoke { $token }" turns it off.
said-token-write = { $token } reads and writes as { $name }:
    { $secret }
    It is shown only now. "revoke { $token }" turns it off.
said-token-revoked = { $token } is good for nothing any more.
said-links-on = From now on with links.
said-links-off = From now on without links.
said-watching-all = You are told of all answers.
said-watching-failures = You are told of answers that say that something did not work.
said-watching-tasks = You are told of answers to these tasks: { $tasks }.
said-watching-none = You are told of no answers.
said-left-out = { $count ->
    [one] Left out, there is nobody of this name here: { $names }
   *[other] Left out, there is nobody of these names here: { $names }
}

## What is not taken

not-taken-forwarded = A forwarded message is not carried out. Write it yourself.
not-taken-late = This message came late, so it was not carried out. Send it again if it still holds.
not-taken-corrected = A corrected message is not carried out. Send it as a new one.
not-taken-retracted = What was done cannot be undone by taking the message back. Write "undo" and the number of the task, for example "undo 8".
not-taken-encrypted = I cannot read encrypted messages. Please turn encryption off for this chat.
not-taken-long = This message is too long. Please send less at once.
too-fast = Too many lines at once: the rest was left out. Please wait a little.
write-to = I take no lines here. Write to { $address } instead.
not-here = You are not in the room, so I cannot tell you of new tasks. Join { $room }, or accept me as a contact.
presence-status = Write "help" to see what you can do
contact-wish = I hand out the tasks of your room. With me in your contact list, you hear of new ones outside the room too.

## Refusals

refusal-not-in-room = You do not belong to this room. Ask its owner to add you.
refusal-admins-only = Only owners and admins of the room may do this.
refusal-not-assigned = Task { $task } is not yours.
refusal-own-tasks-only = You may see your own tasks only.
refusal-unknown-task = There is no task "{ $task }".
refusal-removed-task = Task { $task } was removed.
refusal-unknown-user = There is no user "{ $name }" in this room.
refusal-unknown-name = There is no user or group "{ $name }" in this room.
refusal-unknown-room = There is no room "{ $room }" here.
refusal-no-clock = There is no contest clock.
refusal-clock-has-begun = The contest has begun already; write "clock restart" to begin it anew.
refusal-clock-stands = The clock does not run.
refusal-clock-not-paused = The clock is not paused.
refusal-beyond-clock = { $time } is beyond the end of the contest, which takes { $total }; set its length first.
refusal-rehearsal-in-contest = The contest of this room has begun. Rehearse in another room, or once it is over.
refusal-rehearsal-among-tasks =
    { $tasks ->
        [one] A rehearsal throws away all that there is, and the room has a task, live or planned. Rehearse in a room of its own.
       *[other] A rehearsal throws away all that there is, and the room has { $tasks } tasks, live or planned. Rehearse in a room of its own.
    }
refusal-no-rehearsal = There is no rehearsal here; "clock rehearse x60" begins one.
refusal-rehearses = This is a rehearsal, and that is not part of it. End it first: "clock rehearse off".
refusal-bad-speed = "{ $speed }" is no speed of a rehearsal; write "clock rehearse x60", at most x{ $limit }, or "clock rehearse off".
refusal-bad-clock-time = "{ $time }" is no time of a clock; write 1:23 or 1:23:00.
refusal-unknown-clock-act = A clock cannot be told "{ $act }"; write start, start at 10:30, pause, resume, set 1:23:00, length 5:00, over, restart, follow or rehearse x60.
refusal-unknown-links-wish = Links are on or off, not "{ $text }"; write "links on" or "links off".
refusal-no-web = There is no board in a browser here.
refusal-unknown-code = No page shows the code "{ $code }". A code is good for five minutes; look at the page again.
refusal-unconfirmed = The code { $code } is shown by { $browser }. Only if you are in front of that page, say that it is yours.
refusal-not-let-in = Nobody is let in.
refusal-used-code = Somebody else has confirmed this code. Reload the page for a new one.
refusal-too-many-tries = Too many wrong codes. Wait { $minutes } minutes.
refusal-used-link = This link is used up or too old. Write "board" for a new one.
refusal-unknown-session = You are not logged in with a browser "{ $session }"; "sessions" lists yours.
refusal-unknown-token = There is no token "{ $token }"; "tokens" lists them.
refusal-unknown-token-scope = A token is for display, read or write, not "{ $scope }".
refusal-used-key = The key "{ $key }" belongs to another request, which asked for something else.
refusal-outdated = This has changed since you saw it. Look at it, and send again what you still want.
refusal-empty-title = The title is empty.
refusal-too-long = { $what } too long: { $chars ->
    [one] 1 character
   *[other] { $chars } characters
}, at most { $limit } are allowed.
refusal-forbidden-character = { $what }: the character { $character } is not allowed.
refusal-unknown-kind = There is no task type "{ $kind }". There are: todo, todofail, confirm, okfail, question.
refusal-unknown-status = There is no status "{ $status }". There are: none, running, success, fail, acknowledged.
refusal-missing = Missing: { $what }.
refusal-malformed = { $what } is not { $wanted }.
refusal-too-many = Too many { $what }: at most { $limit } are allowed.
refusal-not-theirs = "{ $name }" does not have task { $task }.
refusal-unknown-plan = There is no planned task "{ $plan }". They are numbered s1, s2 and so on; write "plans".
refusal-bad-deadline = "{ $deadline }" is no deadline. Write 20m, 10:45 or end-30, at most { $limit } minutes.
refusal-deadline-of-plan = A planned task takes no deadline ("{ $deadline }"). Give it one once it is handed out: "deadline 7 20m".
refusal-unknown-checklist = There is no checklist "{ $checklist }".
refusal-unclear-checklist = Nothing of the checklist "{ $checklist }" was handed out, because its line { $line } has to be mended in its file: { $text }
refusal-runs-already = The checklist "{ $checklist }" is under way already. To begin it anew, write "stop { $checklist }" first.
refusal-runs-not = The checklist "{ $checklist }" is not under way.
refusal-bad-schedule = "{ $schedule }" is no moment. Write 10:30, in 20m, start+15 or end-60!, at most { $limit } minutes.
refusal-missing-field = { $field }: please fill in.
lacks-task = Which one? Write "{ $verb } { $task }".
lacks-plan = Which one? Write "{ $verb } s1"; "plans" shows all.
lacks-checklist = Which one? Write "{ $verb } seating"; "checklists" shows all.
lacks-running = Which one? Write "{ $verb } seating"; "checklists" shows which are under way.
lacks-names = Who? Write "{ $verb } { $task } hall1".
lacks-title = What is it to be called? Write "{ $verb } { $task } New title".
lacks-new-title = What is to be done? Write "@todo halls Bring water".
lacks-kind = What is to be done, and by whom? Write "@todo halls Bring water"; "help todo" tells more.
lacks-schedule = When? Write "{ $verb } { $plan } 10:30" or "{ $verb } { $plan } end-45".
lacks-deadline = By when? Write "{ $verb } { $task } 20m", or "off".
lacks-act = What is to be done to the clock? Write "clock start", "clock pause" or "clock resume".
lacks-time = What time? Write "clock set 1:23:00" or "clock length 5:00".
lacks-code = Which code does the page show? Write "{ $verb } 482193".
lacks-session = Which one? "sessions" shows all; write "{ $verb } 1" or "{ $verb } all".
lacks-scope = What for? Write "{ $verb } display", "{ $verb } read" or "{ $verb } write".
lacks-token = Which one? Write "{ $verb } k1"; "tokens" shows all.
lacks-links = With or without links? Write "{ $verb } on" or "{ $verb } off".
lacks-text = What is the answer? Write "{ $verb } { $task } your answer".
refusal-unknown-verb = { $nearest ->
    [none] I do not know "{ $verb }". Write "help" to see what you can do.
   *[other] I do not know "{ $verb }". Did you mean "{ $nearest }"?
}
refusal-surplus = I do not know what to do with "{ $text }".
refusal-no-open-task = You have no open task.
refusal-not-durable = It could not be saved, so nothing has changed. Please try again in a minute.
refusal-busy = Too many changes at once. Please try again in a minute.
refusal-used-up = Your changes of today have taken { $mib } MiB of the disk. Please wait until tomorrow.
your-checklists = There are: { $names }.
did-you-mean = Did you mean "{ $name }"?
your-open-tasks = Your open tasks: { $tasks }.
your-answered-tasks = You have answered: { $tasks }.

## Things that are too long (by themselves) or too many

what-title = Title
what-value = Answer
what-names = names
what-tokens = tokens
what-lines = lines in one message
what-tasks-in-the-room = tasks in the room
what-people-assigned-to-a-task = people for one task
what-watched-tasks = watched tasks
what-people-who-watch = people who watch
what-checklists-under-way = checklists under way
what-people-with-a-setting = people with a setting
what-planned-tasks = planned tasks
what-bytes-of-names-in-planned-tasks = bytes of names in planned tasks

## Questions about lines that can be read in two ways

question-nobody-called = { $count ->
    [one] There is nobody called "{ $names }" here; "who" shows all names. What is meant?
   *[other] There is nobody here called: { $names }; "who" shows all names. What is meant?
}
question-only-people = This is for { $names }, but what is to be done? Add a title; or, if that is the title:
question-only-schedule = This is for "{ $word }", but what is to be done? Add a title; or, if that is the title:
question-bare-schedule = Does the title begin with "{ $word }", or is that when?
question-people-in-title = Is this for { $names }, or is that part of the title?
question-which-task = Which of your { $count } tasks?
question-number-or-text = Is "{ $text }" your answer? Then write:
question-several-tasks = One line is about one task. Send these { $count } lines, all at once if you like:
question-trailing = What is "{ $text }"? Nothing was changed. Send one of these:
question-let-in = The code { $code } is shown by { $browser }. Is that you, in front of that page? Answer yes or no; without a yes nobody is let in. You can also send:
question-no-moment = "{ $word }" is no moment. Those are written 10:30, in 20m, start+15 or end-60!. If it belongs to the title and the task is to be handed out now:
reading-people = for these people
reading-title = as a title
reading-schedule = at that moment
reading-task = task { $task }: { $title }
reading-text = as the answer
reading-alone = without the rest
reading-let-in = let that browser in as me
reading-one-of = task { $task }

## In the room

nick-of-the-service = This nick is the service's own here: please come in under another one.

## What happened over time

state-not-assigned = not assigned
state-silent = no answer
state-seen = seen
state-running = in progress
state-done = done
state-failed = failed
timeline-title = Answers over time
timeline-description = { $count ->
    [one] { $count } answer
   *[other] { $count } answers
} from { $from } to { $until }, of { $people ->
    [one] { $people } person
   *[other] { $people } people
}; tasks not answered yet: { $open }.
## The board in a browser

web-admins-only = Only owners and admins of the room may do this
web-failed = It could not be sent; try again
web-gone-away = The service is stopping
web-gone-away-help = Look at the board in a moment, whether it was done.
web-meanwhile = Something has changed meanwhile. Look at it, and send again what you still want:
web-next = Next
web-will = Will do:
web-all-tasks = All tasks
web-board = Task board
web-by = by
web-days = d
web-enter = Come in
web-enter-help = The link is good once, for this browser.
web-enter-title = Come in to the task board
web-filter = What is shown
web-filter-all = all
web-filter-group = Group
web-filter-late = late
web-filter-mine = mine
web-filter-open = open
web-filter-show = Show
web-filter-text = Text
web-gone = Not in the room any more
web-home = To the board
web-late = late
web-line = A line as in the chat
web-line-example = @todo halls Bring water
web-link-gone = This link is not good any more
web-link-gone-help = A link is good once and for a few minutes. Ask for another one.
web-login = Log in
web-login-another = The code that stood here is not good any more. This is a new one; it is good for five minutes.
web-login-help = Write this to the service in your chat, from your own account:
web-login-line = login { $code }
web-login-more = You are asked whether this browser is yours; answer yes, and this page goes on to the board. Or write "board" there, and open the link in this browser.
web-too-many = Too many tries
web-too-many-help = Wait a minute, and load this page again.
web-logout = Log out
web-looking = Looking at this page
web-menu = Everything that can be done
web-min = min
web-no-clock = There is no contest clock
web-not-connected = The chat server is not connected, so nobody knows who is online
web-not-in-room = You do not belong to this room any more
web-not-logged-in = You are not logged in
web-not-logged-in-help = Ask for a link to the board.
web-not-ready = The service is starting
web-not-ready-help = Load this page again in a moment.
web-nothing-fits = Nothing fits what is to be shown
web-nowhere = There is no such page
web-online = Online in the chat
web-people-left-out = { $count ->
    [one] One more person is not shown; choose a group
   *[other] { $count } more people are not shown; choose a group
}
web-send = Send
web-skip = To the content
web-stale = No connection since
web-tasks-left-out = { $count ->
    [one] One more task, the oldest, is not shown
   *[other] { $count } more tasks, the oldest, are not shown
}
web-wall-gone = Nothing is shown here any more
web-wall-gone-help = The token of this wall was revoked, or whoever it was made for has left the room. An admin gets another one by "token display".
web-wall-stale = No connection. All of this is as it was at
web-you = You
web-admins-see = Only admins see what happened
web-answer-median = answer, half within
web-answer-p90 = answer, nine of ten within
web-archived = What happened before { $time } is in the archives of the service.
web-answers-left-out = { $count ->
    [one] { $count } older answer is left out.
   *[other] { $count } older answers are left out.
}
web-by-whom = By
web-events = Who did what
web-events-left-out = { $count ->
    [one] { $count } older change is left out.
   *[other] { $count } older changes are left out.
}
web-everybody = all
web-export-csv = Table
web-export-jsonl = File for programs
web-first-median = first word, half within
web-first-p90 = first word, nine of ten within
web-given = tasks
web-history = History of the room
web-hours = Hours (0: all)
web-keep = Keep and go on
web-no-answers = Nobody has answered anything in that time.
web-no-events = Nothing happened that fits.
web-older = Older
web-open = open
web-paces = How fast people answered
web-print = State on paper
web-report = Report
web-standby = Another machine serves
web-standby-help = It takes over by itself when the other one ends. This page asks again every few seconds.
web-elsewhere = This machine stands by; { $name } serves.
web-elsewhere-unknown = This machine stands by, and who serves is not known.
web-elsewhere-as-of = As of revision { $revision }, { $time }.
web-elsewhere-open = Open the machine that serves
web-elsewhere-online = Only the machine that serves knows
web-state-at = State at { $time }
web-task-paces = How fast tasks were answered
web-unreadable = The history cannot be read
web-unreadable-help = Why is in the log of the service. The board is not touched by that.
web-waiting = waiting
