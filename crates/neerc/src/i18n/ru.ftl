# Слова для людей, по-русски. Ключи и аргументы во всех языках одни и те же; их сравнивает тест.

## Меню: как называется команда и что она делает

form-tasks = Ваши задачи или задачи того, кого вы выберете
item-tasks = Задачи
item-tasks-help = Ваши задачи; «задачи все» — задачи всей комнаты
item-start = Начать
item-start-help = Вы взялись за задачу
item-done = Готово
item-done-help = Вы сделали задачу
item-ok = Да
item-ok-help = Вы прочитали, или ответ — «да»
item-fail = Не вышло
item-fail-help = Не получилось, или ответ — «нет»; напишите почему
item-answer = Ответить
item-answer-help = Ответ на вопрос
item-undo = Отменить ответ
item-undo-help = Взять назад то, что вы сказали о задаче
item-who = Люди
item-who-help = Кто в этой комнате и в каких группах
item-clock = Время тура
item-clock-help = Сколько идёт тур и сколько осталось
form-links = Писать вам со ссылками, на которые можно нажать, или без них
item-links = Ссылки
item-links-help = Писать вам со ссылками, на которые можно нажать, или без них: ссылки вкл, ссылки выкл
form-help = Что можно писать в чате, или подробнее об одной команде
item-help = Помощь
item-help-help = Что можно делать; «помощь готово» — подробнее об одной команде
item-create = Новая задача
item-create-help = Раздать задачу сейчас или запланировать на время дня либо на момент тура
item-show = Показать задачу
item-show-help = Одна задача со всеми ответами
item-history = История
item-history-help = Кто и когда что сделал с задачей
item-assign = Назначить
item-assign-help = Дать задачу ещё людям или группам
item-unassign = Снять
item-unassign-help = Снять задачу с людей
item-reset = Сбросить
item-reset-help = Стереть ответы людей, чтобы они ответили заново
item-rename = Переименовать
item-rename-help = Изменить название задачи
item-remove = Удалить
item-remove-help = Удалить задачу у всех
item-restore = Вернуть
item-restore-help = Вернуть задачу, удалённую за последние сутки
item-late = Кого ждём
item-late-help = Кто на что ещё не ответил
item-plans = План
item-plans-help = Что и на когда запланировано
item-now = Раздать сейчас
item-now-help = Раздать запланированную задачу, не дожидаясь её времени
item-setclock = Перевести часы
item-setclock-help = Управлять часами тура вручную: старт, старт в 10:30, пауза, дальше, установить 1:23:00, длина 5:00, конец, заново; авто — снова по тестирующей системе; репетиция x60 начинает репетицию, репетиция стоп заканчивает
item-deadline = Срок
item-deadline-help = К какому времени ответить на задачу: 20м, 10:45, конец-30; «нет» — без срока
item-checklists = Чек-листы
item-checklists-help = Какие есть чек-листы и какие из них идут сейчас
item-run = Запустить чек-лист
item-run-help = Раздать чек-лист по шагам: следующий шаг — когда все закончат предыдущий
item-stop = Остановить чек-лист
item-stop-help = Больше ничего из чек-листа не раздавать; розданное остаётся
item-board = Доска в браузере
item-board-help = Ссылка, которая один раз открывает доску в браузере от вашего имени
item-login = Впустить браузер
item-login-help = Впустить браузер, который показывает этот код; сначала скажу, какой это браузер
item-sessions = Мои браузеры
item-sessions-help = Браузеры, в которых вы вошли
item-logout = Выйти
item-logout-help = Выйти в одном браузере или во всех ваших
item-token = Новый ключ
item-token-help = Ключ для экрана на стене или для программы (чтение, запись); показывается один раз
item-tokens = Ключи
item-tokens-help = Ключи этой комнаты: для чего, от чьего имени и кто их дал
item-revoke = Отозвать ключ
item-revoke-help = Сразу отключить ключ
item-unplan = Вычеркнуть
item-unplan-help = Убрать задачу из плана

item-replan = Перенести
item-replan-help = Изменить, когда раздать запланированную задачу: 10:30, через 20м, конец-45
item-remind = Напомнить
item-remind-help = Напомнить о задаче тем, кто её не закончил
item-watch = Следить
item-watch-help = Получать в чате ответы людей: все, только неудачи или на одну задачу
item-unwatch = Не следить
item-unwatch-help = Больше не получать ответы; с номером или словом «неудачи» — только эти

## Поля форм

field-task = Задача
field-text = Текст
field-of = Чьи
field-verb = Команда
field-kind = Тип
field-title = Название
field-names = Кому
field-schedule = Когда
field-deadline = Срок
field-plan = Запланированная задача
field-checklist = Чек-лист
field-running = Чек-лист, который идёт
field-holds = Задачи
field-progress = Где он сейчас
field-code = Код
field-confirm = Это вы?
field-session = Браузер
field-browser = Какой
field-scope = Для чего
field-name = От чьего имени
field-token = Ключ
field-giver = Кто дал
hint-code = Шесть цифр, которые показывает страница
hint-confirm = «Да», только если вы перед этой страницей
hint-every-browser = все
field-room = Комната
field-user = Пользователь
field-groups = Группы
field-rights = Права
field-status = Ответ
field-answered = Ответили
field-silent = Ничего не сказали
field-unfinished = Не закончили
field-clock = Тур
field-act = Что сделать
field-time = Время
field-links = Ссылки
field-happened = Что произошло
field-watched = Ответы
hint-schedule = 10:30, через 20м, начало+15 или конец-60; с ! — раздать без вопроса
hint-names = Люди и группы
hint-deadline = 20м, 10:45 или конец-30
hint-time = 10:30 — начало; 1:23:00 — время; 5:00 — длительность; x60 или стоп — для репетиции
hint-everybody = всех

## Типы задач и статусы

kind-todo = сделать
kind-todofail = сделать, может не выйти
kind-confirm = подтвердить
kind-okfail = да или нет
kind-question = вопрос
not-assigned = не назначено
status-none = нет ответа
status-running = в работе
status-success = готово
status-fail = не вышло
status-acknowledged = прочитано
status-todofail-fail = не получилось
status-confirm-success = прочитано
status-confirm-fail = не подтверждено
status-okfail-success = да
status-okfail-fail = нет
status-question-success = ответ получен
status-question-fail = ответить нельзя

## Списки

heading-own-tasks = Ваши задачи:
heading-tasks = Задачи комнаты:
heading-tasks-of = Задачи { $name }:
heading-users = Люди:
heading-late = Ещё не ответили:
heading-plans = Запланировано:
heading-checklists = Чек-листы (раздать: «запустить» и название):
heading-history = Задача { $task }, сначала последнее:
history-created = новая задача: { $title } — { $people }
history-renamed = новое название: { $title }
history-kind = теперь: { $kind }
history-assigned = кому дана: { $people }
history-reset = ответы сброшены: { $people }
history-unassigned = у кого забрана: { $people }
history-taken-back = ответ взят назад: { $people }
history-removed = удалена
history-restored = возвращена
history-reminded = напоминание
history-overdue = опоздание: напоминание о сроке
history-deadline = срок: { $when }
history-no-deadline = с тех пор без срока
history-planned = запланировано, { $when }: { $title }
history-replanned = запланированная задача { $plan } перенесена, { $when }
history-lapsed = о запланированной задаче { $plan } никто ничего не сказал
history-unplanned = запланированная задача { $plan } снята
history-begun = начат чек-лист: { $name }
history-stopped = чек-лист остановлен
history-clock-set = часы соревнования поставлены вручную
history-clock-freed = часы соревнования снова идут по своему источнику
history-rehearsed = началась репетиция
history-rehearsal-ended = репетиция окончена, всё от неё удалено
history-watched = уведомления о чужих ответах изменены
history-linked = ссылки включены или выключены
history-admitted = вход через браузер
history-logged-out = выход из браузера
history-link-offered = получена ссылка для входа
history-token-given = выдан токен { $token }
history-token-revoked = токен { $token } отозван
history-days = { $count ->
    [one] { $count } день назад, { $time }
    [few] { $count } дня назад, { $time }
   *[many] { $count } дней назад, { $time }
}
heading-sessions = Вы вошли в браузерах:
heading-tokens = Ключи:
heading-watched = Новые ответы:

## Помощь в чате, на один экран телефона

help-user =
    задачи — что вам нужно сделать
    готово 3 — задача 3 сделана; начал 3 — вы начали
    да 3 — вы прочитали, или ответ «да»
    нет 3 почему — не вышло, или ответ «нет»
    ответ 3 ваш ответ — ответ на вопрос
    отмена 3 — взять ответ назад
    кто, время, ссылки выкл — люди, время тура, без ссылок
    помощь готово — подробнее об одной из команд
help-web-user =
    доска, войти 482193, сеансы, выйти везде — в браузере
help-web-admin =
    ключ экран, ключи, отозвать k1 — экраны и программы
help-admin =
    @задача halls Принести воду — новая задача: см. «помощь задача»
    показать 3, история 3, ждем, напомнить 3, следить 3, хватит
    назначить/снять/сбросить 3 hall1, срок 3 20м, удалить 3
    переименовать 3 Имя, восстановить 3; часы: «перевести»; планы
    сейчас/вычеркнуть/перенести s1; чеклисты, запустить, остановить
help-kind-todo =
    @задача halls Принести воду — залы должны это сделать; они отвечают «начал 3» и «готово 3».
    Спросить можно и иначе: @подтверждение (прочитали?), @проверка (да или нет?), @попытка (вышло или нет и почему?), @вопрос (ответ словами).
    Кому: «помощь имена». На потом: «помощь план».
    @задача halls до 10:45 Принести воду — кто не ответит к 10:45, тому напомнят; можно и за 20м, до конец-30. Позже — «срок 3 20м».
help-kind-todofail =
    @попытка halls Перезапустить принтер — залы должны это сделать; они отвечают «готово 3» или «ошибка 3 почему», если не вышло.
help-kind-confirm =
    @подтверждение halls Начинаем в десять — залы должны это прочитать; они отвечают «да 3».
help-kind-okfail =
    @проверка halls Все на местах? — залы отвечают «да 3» или «нет 3 почему».
help-kind-question =
    @вопрос halls Сколько свободных стульев? — залы отвечают словами: «ответ 3 двенадцать».
help-names =
    Люди и группы стоят перед названием, через запятую без пробелов: @задача hall1,halls Принести воду
    Перед двоеточием их можно писать как угодно: @задача hall1, hall2 и admin: Принести воду
    Имена из нескольких слов пишут в кавычках: @задача «Этаж 2» Принести воду
    «кто» покажет все имена.
help-moments =
    Запланированные задачи раздаются в указанное время или по часам тура, через столько-то минут от начала или до конца:
    @задача halls 10:30 Принести воду — в половине одиннадцатого; через 20м — через 20 минут
    @задача halls начало+15 Принести воду — через 15 минут после начала
    @задача halls конец-60! Заморозка — за 60 минут до конца
    С ! задача раздаётся сама; без него сначала спросят жюри.
    планы — что запланировано, сейчас s1 — раздать, вычеркнуть s1 — убрать из плана, перенести s1 конец-45 — раздать в другое время.

confirm-no = Нет, никого не впускать
confirm-yes = Да, это я
scope-display = на экране
scope-read = читает
scope-write = читает и пишет
by-machine = на машине
links-on = Во всех клиентах
links-off = Нигде
watched-all = Все ответы
watched-failures = Что не вышло

no-tasks = Задач нет.
no-open-tasks = Вам сейчас делать нечего.
no-answered-tasks = Вы ещё ничего не говорили о задачах.
nobody-assigned = Эта задача никому не назначена.
no-late = Все ответили.
no-sessions = Вы не вошли ни в одном браузере. «доска» пришлёт вам ссылку.
no-tokens = Ключей нет.
no-history = Что было с задачей { $task }, здесь уже не хранится.
history-older = Что было раньше, здесь уже не хранится.
no-plans = Ничего не запланировано.
no-checklists = Чек-листов нет. Их файл указывают в настройках службы.
no-runs = Сейчас не идёт ни один чек-лист.
nobody = никто
admin-mark = администратор
group-Admins = Администраторы (Admins)
group-Users = Пользователи (Users)
and-more = и ещё { $count }
since = с { $time }
since-days = { $count ->
    [one] уже { $count } день
    [few] уже { $count } дня
   *[other] уже { $count } дней
}
and-more-pages = и ещё { $count }; напишите «ещё»
no-more = Больше показывать нечего.
count-tasks = { $count ->
    [one] { $count } задача
    [few] { $count } задачи
   *[other] { $count } задач
}
count-open = { $count ->
    [one] { $count } открытая задача
    [few] { $count } открытые задачи
   *[other] { $count } открытых задач
}
count-people = { $count ->
    [one] { $count } человек
    [few] { $count } человека
   *[other] { $count } человек
}
count-answered = ответили { $count } из { $total }
count-minutes = { $count ->
    [one] { $count } минута
    [few] { $count } минуты
   *[other] { $count } минут
}

## Часы тура

clock-before = Тур ещё не начался.
clock-counting = Тур начнётся через { $left } и продлится { $total }.
clock-countdown-stands = Тур не начался; обратный отсчёт стоит на { $left }.
clock-running = Идёт тур: { $elapsed } из { $total }.
clock-paused = Тур приостановлен: { $elapsed } из { $total }.
clock-over = Тур закончился.
clock-by-hand = Часы переведены вручную в { $time }: { $name }.
clock-silent = Тестирующая система не отвечает с { $time }.
clock-act-start = Начать сейчас или во время, указанное ниже
clock-act-pause = Приостановить
clock-act-resume = Продолжить
clock-act-set = Установить время тура
clock-act-length = Установить длительность
clock-act-over = Закончить тур
clock-act-restart = Начать заново
clock-act-follow = Снова идти по тестирующей системе
clock-act-rehearse = Репетировать со скоростью ниже или закончить репетицию: стоп
clock-rehearsal = Репетиция, в { $speed } раз быстрее.
rehearsal-mark = [репетиция]

## Что говорится само

greeting = Здравствуйте, { $name }! Я раздаю задачи в комнате { $room }. Напишите «помощь», чтобы узнать, что можно делать.
greeting-open = { $count ->
    [one] У вас { $count } открытая задача. Напишите «задачи», чтобы её увидеть.
    [few] У вас { $count } открытые задачи. Напишите «задачи», чтобы их увидеть.
   *[other] У вас { $count } открытых задач. Напишите «задачи», чтобы их увидеть.
}
new-task = Новая задача { $task }: { $title }
task-changed = Задача { $task } изменилась: { $title }
task-removed = Задача { $task } удалена.
task-taken = Задача { $task } больше не ваша: { $title }
reminder = { $count ->
    [one] { $count } задача ждёт вашего ответа:
    [few] { $count } задачи ждут вашего ответа:
   *[other] { $count } задач ждут вашего ответа:
}
reminder-asked = Жюри ждёт вашего ответа:
reply-several = Ответьте словом и номером: { $examples }; или «помощь»
example-todo = готово { $task }
example-todofail = готово { $task }
example-confirm = да { $task }
example-okfail = да { $task } или нет { $task }
example-question = ответ { $task } ваш ответ
reply-todo = Ответьте «начал { $task }» и «готово { $task }»
reply-todofail = Ответьте «начал { $task }», «готово { $task }» или «ошибка { $task } причина»
reply-confirm = Ответьте «да { $task }»
reply-okfail = Ответьте «да { $task }» или «нет { $task } причина»
reply-question = Ответьте «ответ { $task } ваш ответ»
reminder-overdue = Ответ был нужен { $when }:
task-still-late = Задача { $task }, срок { $when }, всё ещё ждёт ответа от { $people }: { $title }
plan-due = Пора раздать запланированную задачу { $plan }: { $title }. Раздать? Ответьте «сейчас { $plan }» или «вычеркнуть { $plan }»
plan-fulfilled = Запланированная задача { $plan } роздана, её номер { $task }: { $title }
plan-fulfilled-late-day = Запланированная задача { $plan } роздана, её номер { $task }, с опозданием на { $count ->
    [one] { $count } минуту
    [few] { $count } минуты
   *[other] { $count } минут
} (по плану в { $moment }): { $title }
plan-fulfilled-late = Запланированная задача { $plan } роздана, её номер { $task }, с опозданием на { $count ->
    [one] { $count } минуту
    [few] { $count } минуты
   *[other] { $count } минут
} (по плану в { $moment } времени тура): { $title }
webhook-failing = { $host } с { $time } не принимает того, что здесь происходит (веб-хук). Всё хранится и отправляется снова; причину видит тот, кто запускает службу.
webhook-off = { $host } просит больше ничего не сообщать (веб-хук): до перезапуска службы туда ничего не отправляется.
one-copy = С { $time } задачи хранятся только в одном экземпляре: второй машины нет на связи. Если пропадёт и та, на которой он есть, пропадёт всё, что произошло за это время; пусть посмотрит тот, кто запускает службу.
one-copy-waits = С { $time } второй машины нет на связи, поэтому ничего не сохраняется и не выполняется, пока она не вернётся или пока тот, кто запускает службу, не разрешит продолжать с одним экземпляром.
two-copies = Задачи снова хранятся на двух машинах.
changes-lost = Того, что произошло после { $time }, может не быть (изменения с { $first } по { $last }): хранилище вернулось к тогдашнему состоянию. Проверьте задачи и раздайте заново то, чего нет.
webhook-well = { $host } снова принимает то, что здесь происходит (веб-хук).

plan-lapsed = Никто не сказал, раздать ли запланированную задачу { $plan }, и больше об этом не спрашивают: { $title }. Она остаётся в плане; раздать её можно и теперь: «сейчас { $plan }»
plan-decided-now = Запланированную задачу { $plan } раздаёт { $name }, её номер { $task }: { $title }
plan-decided-unplan = Запланированную задачу { $plan } вычёркивает из плана { $name }: { $title }
plan-decided-replan = Запланированную задачу { $plan } переносит { $name }, теперь — { $when }: { $title }
plan-failed = Запланированная задача { $plan } не роздана: { $why }. Она остаётся в плане: { $title }

run-step = Чек-лист { $checklist }: начинается шаг { $step } из { $steps }.
run-finished = Чек-лист { $checklist }: всё закончено.

## Ответы на команды

said-created = Задача { $task } { $count ->
    [0] создана, пока никому не назначена
    [one] роздана, её получил { $count } человек
    [few] роздана, её получили { $count } человека
   *[other] роздана, её получили { $count } человек
}: { $title }
said-nobody = Чтобы её раздать, напишите «назначить { $task } halls» с именами людей или групп.
said-deadline = Срок задачи { $task } — { $when }; опоздавшим будет напоминание.
said-no-deadline = У задачи { $task } нет срока.
late-since = срок { $when }
due-time = до { $time }
said-planned-day = Запланировано как { $plan } { $when }: { $title }
said-planned = Запланировано как { $plan } на { $schedule }, { $when }: { $title }
no-clock-for-plans = Часов тура сейчас нет, поэтому то, что запланировано по времени тура, само не раздаётся. Чтобы раздать, напишите «сейчас { $plan }».
moment-at-start = в начале
moment-after-start = { $count ->
    [one] через { $count } минуту после начала
    [few] через { $count } минуты после начала
   *[other] через { $count } минут после начала
}
moment-before-start = { $count ->
    [one] за { $count } минуту до начала
    [few] за { $count } минуты до начала
   *[other] за { $count } минут до начала
}
moment-at-end = в конце
moment-after-end = { $count ->
    [one] через { $count } минуту после конца
    [few] через { $count } минуты после конца
   *[other] через { $count } минут после конца
}
moment-before-end = { $count ->
    [one] за { $count } минуту до конца
    [few] за { $count } минуты до конца
   *[other] за { $count } минут до конца
}
moment-clock = {" "}(время тура { $time })
moment-wall = {" "}(в { $day })
moment-clock-wall = {" "}(время тура { $time }, в { $day })
moment-day = в { $time }
day-tomorrow = { $time } завтра ({ $date }.{ $month }.{ $year })
day-other = { $time } { $date }.{ $month }.{ $year }
moment-asked = , если вы тогда подтвердите
said-answered = Задача { $task }: { $status }.
said-answered-question = Ответ на { $task }: «{ $answer }»
said-changed = Задача { $task } изменена. Теперь она такая: { $title } — { $people }.
said-unchanged = Менять нечего.
said-removed = Задача { $task } удалена.
said-begun = Чек-лист запущен: { $count ->
    [one] { $count } задача
    [few] { $count } задачи
   *[other] { $count } задач
}, { $steps ->
    [one] { $steps } шаг
    [few] { $steps } шага
   *[other] { $steps } шагов
}.
said-stopped = Чек-лист остановлен. Розданное остаётся.
said-rehearsed = Началась репетиция: время тура идёт в { $speed } раз быстрее, каждая задача помечена, а «часы репетиция стоп» удалит их все. Запланируйте задачи, запустите чек-листы и напишите «часы старт».
said-rehearsal-ended =
    { $count ->
        [0] Репетиция окончена. Задач от неё не осталось.
        [one] Репетиция окончена. Удалена { $count } её задача.
        [few] Репетиция окончена. Удалены { $count } её задачи.
       *[other] Репетиция окончена. Удалено { $count } её задач.
    }
run-over = закончен
run-at = идёт, шаг { $step } из { $steps }, запустил { $name }
run-since = идёт с { $time }, шаг { $step } из { $steps }, запустил { $name }
count-lines = { $count ->
    [one] { $count } задача
    [few] { $count } задачи
   *[other] { $count } задач
}
count-steps = { $count ->
    [one] { $count } шаг
    [few] { $count } шага
   *[other] { $count } шагов
}
moment-turn = когда дойдёт очередь
moment-step = в шаге { $step } чек-листа { $checklist }
said-replanned = { $plan } теперь раздаётся { $when }: { $title }
plan-mark-waits = , ждёт «сейчас» или «вычеркнуть»
plan-mark-lapsed = , никто не ответил
said-unplanned = { $plan } больше не в плане.
said-restored = Задача { $task } снова на месте: { $title } — { $people }.
said-reminded = Задача { $task } ждёт ответа: { $people }; кто из них на связи, тем напомнили.
said-admitted = Этот браузер вошёл. Если он не ваш, сейчас же напишите «выйти везде».
said-logged-out = { $count ->
    [one] Вышел { $count } браузер.
    [few] Вышли { $count } браузера.
   *[other] Вышли { $count } браузеров.
}
said-login-link = { $url }
    Открывает доску от вашего имени. Ссылка действует один раз, { $minutes } минут; никому её не давайте.
said-token-display = { $token } показывает на экране доску, как её видит { $name }:
    { $secret }
    Больше это показано не будет. «отозвать { $token }» его отключит.
said-token-read = { $token } читает как { $name }:
    { $secret }
    Больше это показано не будет. «отозвать { $token }» его отключит.
said-token-write = { $token } читает и пишет как { $name }:
    { $secret }
    Больше это показано не будет. «отозвать { $token }» его отключит.
said-token-revoked = { $token } больше не действует.
said-links-on = Теперь со ссылками.
said-links-off = Теперь без ссылок.
said-watching-all = Вам сообщается обо всех ответах.
said-watching-failures = Вам сообщается об ответах, что что-то не вышло.
said-watching-tasks = Вам сообщается об ответах на задачи: { $tasks }.
said-watching-none = Об ответах вам не сообщается.
said-left-out = { $count ->
    [one] Пропущено, здесь никого так не зовут: { $names }
   *[other] Пропущены, здесь никого так не зовут: { $names }
}

## Что не исполняется

not-taken-forwarded = Пересланное сообщение не исполняется. Напишите его сами.
not-taken-late = Это сообщение пришло с опозданием и не исполнено. Отправьте его ещё раз, если оно ещё в силе.
not-taken-corrected = Исправленное сообщение не исполняется. Отправьте его как новое.
not-taken-retracted = Удалив сообщение, сделанного не отменить. Напишите «отмена» и номер задачи, например «отмена 8».
not-taken-encrypted = Я не могу читать зашифрованные сообщения. Выключите шифрование в этом разговоре.
not-taken-long = Это сообщение слишком длинное. Отправьте меньше за один раз.
too-fast = Слишком много строк сразу: остальные пропущены. Подождите немного.
write-to = Здесь я команд не принимаю. Пишите на { $address }.
not-here = Вас нет в комнате, поэтому о новых задачах я вам сообщить не могу. Войдите в { $room } или примите меня в список контактов.
presence-status = Напишите «помощь», чтобы узнать, что можно делать
contact-wish = Я раздаю задачи вашей комнаты. Добавьте меня в контакты, и о новых вы узнаете, даже когда вас в комнате нет.

## Отказы

refusal-not-in-room = Вас нет в списках этой комнаты. Попросите её владельца вас добавить.
refusal-admins-only = Это могут только владельцы и администраторы комнаты.
refusal-not-assigned = Задача { $task } не ваша.
refusal-own-tasks-only = Вам видны только ваши задачи.
refusal-unknown-task = Задачи «{ $task }» нет.
refusal-removed-task = Задача { $task } удалена.
refusal-unknown-user = Пользователя «{ $name }» в этой комнате нет.
refusal-unknown-name = Ни пользователя, ни группы «{ $name }» в этой комнате нет.
refusal-unknown-room = Комнаты «{ $room }» здесь нет.
refusal-no-clock = Часов тура нет.
refusal-clock-has-begun = Тур уже начался; чтобы начать его заново, напишите «часы заново».
refusal-clock-stands = Часы не идут.
refusal-clock-not-paused = Тур не приостановлен.
refusal-beyond-clock = { $time } — это после конца тура, который длится { $total }; сначала измените длительность.
refusal-rehearsal-in-contest = Тур этой комнаты уже начался. Репетируйте в другой комнате или после его конца.
refusal-rehearsal-among-tasks =
    { $tasks ->
        [one] Репетиция удаляет всё, что есть, а в комнате { $tasks } задача, розданная или запланированная. Репетируйте в отдельной комнате.
        [few] Репетиция удаляет всё, что есть, а в комнате { $tasks } задачи, розданные или запланированные. Репетируйте в отдельной комнате.
       *[other] Репетиция удаляет всё, что есть, а в комнате { $tasks } задач, розданных или запланированных. Репетируйте в отдельной комнате.
    }
refusal-no-rehearsal = Репетиции здесь нет; «часы репетиция x60» начинает её.
refusal-rehearses = Идёт репетиция, и это к ней не относится. Сначала закончите её: «часы репетиция стоп».
refusal-bad-speed = «{ $speed }» — не скорость репетиции; напишите «часы репетиция x60», не больше x{ $limit }, или «часы репетиция стоп».
refusal-bad-clock-time = «{ $time }» — не время для часов; напишите 1:23 или 1:23:00.
refusal-unknown-clock-act = Часы не понимают «{ $act }»; напишите старт, старт в 10:30, пауза, дальше, установить 1:23:00, длина 5:00, конец, заново, авто или репетиция x60.
refusal-unknown-links-wish = Ссылки бывают вкл или выкл, а не «{ $text }»; напишите «ссылки вкл» или «ссылки выкл».
refusal-no-web = Доски в браузере здесь нет.
refusal-unknown-code = Ни одна страница не показывает код «{ $code }». Код действует пять минут; посмотрите на страницу ещё раз.
refusal-unconfirmed = Код { $code } показывает { $browser }. Только если вы перед этой страницей, скажите, что это вы.
refusal-not-let-in = Никто не вошёл.
refusal-used-code = Этот код уже подтвердил кто-то другой. Обновите страницу, чтобы получить новый.
refusal-too-many-tries = Слишком много неверных кодов. Подождите { $minutes } минут.
refusal-used-link = Эта ссылка уже использована или устарела. Напишите «доска», чтобы получить новую.
refusal-unknown-session = У вас нет браузера «{ $session }»; список — по слову «сеансы».
refusal-unknown-token = Ключа «{ $token }» нет; список — по слову «ключи».
refusal-unknown-token-scope = Ключ бывает экран, чтение или запись, а не «{ $scope }».
refusal-used-key = Ключ «{ $key }» уже у другого запроса, и тот просил о другом.
refusal-outdated = С тех пор, как вы это видели, кое-что изменилось. Посмотрите и отправьте ещё раз то, что всё ещё нужно.
refusal-empty-title = Название пустое.
refusal-too-long = { $what }: слишком длинно, { $chars ->
    [one] { $chars } символ
    [few] { $chars } символа
   *[other] { $chars } символов
}; можно не больше { $limit }.
refusal-forbidden-character = { $what }: символ { $character } недопустим.
refusal-unknown-kind = Типа задач «{ $kind }» нет. Есть todo, todofail, confirm, okfail, question.
refusal-unknown-status = Статуса «{ $status }» нет. Есть none, running, success, fail, acknowledged.
refusal-missing = Не хватает: { $what }.
refusal-malformed = Не той формы: { $what }; нужно { $wanted }.
refusal-too-many = Слишком много { $what }: можно не больше { $limit }.
refusal-not-theirs = У «{ $name }» нет задачи { $task }.
refusal-unknown-plan = Запланированной задачи «{ $plan }» нет. Их номера — s1, s2 и так далее; напишите «план».
refusal-bad-deadline = «{ $deadline }» — не срок. Напишите 20м, 10:45 или конец-30, не больше { $limit } минут.
refusal-deadline-of-plan = У запланированной задачи не бывает срока («{ $deadline }»). Задайте его, когда она выдана: «срок 7 20м».
refusal-unknown-checklist = Чек-листа «{ $checklist }» нет.
refusal-unclear-checklist = Из чек-листа «{ $checklist }» ничего не роздано: в его файле нужно исправить строку { $line }: { $text }
refusal-runs-already = Чек-лист «{ $checklist }» уже идёт. Чтобы начать заново, сначала напишите «остановить { $checklist }».
refusal-runs-not = Чек-лист «{ $checklist }» сейчас не идёт.
refusal-bad-schedule = «{ $schedule }» — не момент. Напишите 10:30, через 20м, начало+15 или конец-60!, не больше { $limit } минут.
refusal-missing-field = { $field }: нужно заполнить.
lacks-task = О какой речь? Напишите «{ $verb } { $task }».
lacks-plan = О какой речь? Напишите «{ $verb } s1»; «планы» покажет все.
lacks-checklist = Какой? Напишите «{ $verb } рассадка»; «чеклисты» покажет все.
lacks-running = Какой? Напишите «{ $verb } рассадка»; «чеклисты» покажет, какие идут.
lacks-names = О ком речь? Напишите «{ $verb } { $task } hall1».
lacks-title = Как она должна называться? Напишите «{ $verb } { $task } Новое название».
lacks-new-title = Что нужно сделать? Напишите «@задача halls Принести воду».
lacks-kind = Что и кому нужно сделать? Напишите «@задача halls Принести воду»; подробнее — «помощь задача».
lacks-schedule = Когда? Напишите «{ $verb } { $plan } 10:30» или «{ $verb } { $plan } конец-45».
lacks-deadline = К какому времени? Напишите «{ $verb } { $task } 20м» или «{ $verb } { $task } нет».
lacks-act = Что сделать с часами? Напишите «часы старт», «часы пауза» или «часы дальше».
lacks-time = Какое время? Напишите «часы установить 1:23:00» или «часы длина 5:00».
lacks-code = Какой код показывает страница? Напишите «{ $verb } 482193».
lacks-session = Какой? Все показывает «сеансы»; напишите «{ $verb } 1» или «{ $verb } везде».
lacks-scope = Для чего? Напишите «{ $verb } экран», «{ $verb } чтение» или «{ $verb } запись».
lacks-token = Какой? Напишите «{ $verb } k1»; все показывает «ключи».
lacks-links = Со ссылками или без? Напишите «{ $verb } вкл» или «{ $verb } выкл».
lacks-text = Какой ответ? Напишите «{ $verb } { $task } ваш ответ».
refusal-unknown-verb = { $nearest ->
    [none] Не знаю, что такое «{ $verb }». Напишите «помощь», чтобы узнать, что можно делать.
   *[other] Не знаю, что такое «{ $verb }». Может быть, «{ $nearest }»?
}
refusal-surplus = Не знаю, что делать с «{ $text }».
refusal-no-open-task = У вас нет открытых задач.
refusal-not-durable = Не удалось сохранить, поэтому ничего не изменилось. Попробуйте ещё раз через минуту.
refusal-busy = Слишком много изменений сразу. Попробуйте ещё раз через минуту.
refusal-used-up = Ваши сегодняшние изменения заняли { $mib } МиБ на диске. Подождите до завтра.
your-checklists = Есть: { $names }.
did-you-mean = Может быть, «{ $name }»?
your-open-tasks = Ваши открытые задачи: { $tasks }.
your-answered-tasks = Вы ответили на: { $tasks }.

## Чего слишком много (родительный падеж) или что слишком длинно (именительный)

what-title = Название
what-value = Ответ
what-names = имён
what-tokens = ключей
what-lines = строк в одном сообщении
what-tasks-in-the-room = задач в комнате
what-people-assigned-to-a-task = людей на одну задачу
what-watched-tasks = задач, за которыми следят
what-people-who-watch = людей, которые следят
what-checklists-under-way = чек-листов одновременно
what-people-with-a-setting = людей с настройкой
what-planned-tasks = запланированных задач
what-bytes-of-names-in-planned-tasks = байт имён в запланированных задачах

## Вопросы о строках, которые можно понять по-разному

question-nobody-called = { $count ->
    [one] Никого по имени «{ $names }» здесь нет; «кто» покажет все имена. Что имеется в виду?
   *[other] Здесь никого так не зовут: { $names }; «кто» покажет все имена. Что имеется в виду?
}
question-only-people = Это для { $names }, а что нужно сделать? Допишите название; если это и есть название:
question-only-schedule = «{ $word }» — это когда, а что нужно сделать? Допишите название; если это и есть название:
question-bare-schedule = «{ $word }» — это начало названия или время?
question-people-in-title = Это для { $names } или это часть названия?
question-which-task = О какой из ваших задач речь? Их { $count }.
question-number-or-text = «{ $text }» — это ваш ответ? Тогда напишите:
question-several-tasks = Одна строка — об одной задаче. Отправьте эти { $count } строки, можно все сразу:
question-trailing = Что значит «{ $text }»? Ничего не изменено. Отправьте одну из строк:
question-let-in = Код { $code } показывает { $browser }. Это вы перед этой страницей? Ответьте «да» или «нет»; без «да» никто не войдёт. Можно послать и так:
question-no-moment = «{ $word }» — не момент. Момент пишут так: 10:30, через 20м, начало+15 или конец-60!. Если это часть названия, а раздать нужно сейчас:
reading-people = для этих людей
reading-title = как название
reading-schedule = к этому времени
reading-task = задача { $task }: { $title }
reading-text = как ответ
reading-alone = без остального
reading-let-in = впустить этот браузер от моего имени
reading-one-of = задача { $task }

## В комнате

nick-of-the-service = Это имя здесь принадлежит службе: пожалуйста, войдите под другим.

## Что происходило

state-not-assigned = не назначено
state-silent = нет ответа
state-seen = прочитано
state-running = в работе
state-done = готово
state-failed = не вышло
timeline-title = Ответы по времени
timeline-description = { $count ->
    [one] { $count } ответ
    [few] { $count } ответа
   *[other] { $count } ответов
} с { $from } до { $until }, людей: { $people }; задач пока без ответа: { $open }.
## The board in a browser

web-admins-only = Это могут только владельцы и администраторы комнаты
web-failed = Не удалось отправить; попробуйте ещё раз
web-gone-away = Служба останавливается
web-gone-away-help = Посмотрите через мгновение на доске, сделано ли это.
web-meanwhile = Тем временем кое-что изменилось. Посмотрите и отправьте ещё раз, если это всё ещё нужно:
web-next = Дальше
web-will = Будет сделано:
web-all-tasks = Все задачи
web-board = Доска задач
web-by = до
web-days = дн
web-enter = Войти
web-enter-help = Ссылка действует один раз, для этого браузера.
web-enter-title = Вход на доску задач
web-filter = Что показано
web-filter-all = все
web-filter-group = Группа
web-filter-late = просроченные
web-filter-mine = мои
web-filter-open = открытые
web-filter-show = Показать
web-filter-text = Текст
web-gone = Уже не в комнате
web-home = К доске
web-late = просрочено
web-line = Строка, как в чате
web-line-example = @todo halls Принести воду
web-link-gone = Ссылка больше не действует
web-link-gone-help = Ссылка действует один раз и несколько минут. Попросите новую.
web-login = Войти
web-login-another = Код, который был здесь, больше не действует. Вот новый, он действует пять минут.
web-login-help = Напишите это службе в чате, от своего имени:
web-login-line = войти { $code }
web-login-more = Вас спросят, ваш ли это браузер; ответьте «да», и эта страница откроет доску. Или напишите там «доска» и откройте ссылку в этом браузере.
web-too-many = Слишком много попыток
web-too-many-help = Подождите минуту и обновите страницу.
web-logout = Выйти
web-looking = Смотрят эту страницу
web-menu = Всё, что можно сделать
web-min = мин
web-no-clock = Часов соревнования нет
web-not-connected = Нет связи с сервером чата, поэтому неизвестно, кто в сети
web-not-in-room = Вы больше не состоите в этой комнате
web-not-logged-in = Вы не вошли
web-not-logged-in-help = Попросите ссылку на доску.
web-not-ready = Служба запускается
web-not-ready-help = Обновите страницу через мгновение.
web-nothing-fits = Ничего не подходит под отбор
web-nowhere = Такой страницы нет
web-online = В сети в чате
web-people-left-out = { $count ->
    [one] Ещё { $count } человек не показан; выберите группу
    [few] Ещё { $count } человека не показаны; выберите группу
   *[other] Ещё { $count } человек не показаны; выберите группу
}
web-send = Отправить
web-skip = К содержанию
web-stale = Нет связи с
web-tasks-left-out = { $count ->
    [one] Ещё { $count } задача, самая старая, не показана
    [few] Ещё { $count } задачи, самые старые, не показаны
   *[other] Ещё { $count } задач, самые старые, не показаны
}
web-wall-gone = Здесь больше ничего не показывается
web-wall-gone-help = Ключ этого экрана отозван, или тот, для кого он сделан, больше не состоит в комнате. Новый даёт администратор: «ключ экран».
web-wall-stale = Нет связи. Всё это — на
web-you = Вы
web-admins-see = Что происходило, видят только администраторы
web-answer-median = ответ, половина за
web-answer-p90 = ответ, девять из десяти за
web-archived = Что было до { $time }, лежит в архивах службы.
web-answers-left-out = { $count ->
    [one] Ещё { $count } ответ раньше не показан.
    [few] Ещё { $count } ответа раньше не показаны.
   *[other] Ещё { $count } ответов раньше не показаны.
}
web-by-whom = Кто
web-events = Кто что делал
web-events-left-out = { $count ->
    [one] Ещё { $count } изменение раньше не показано.
    [few] Ещё { $count } изменения раньше не показаны.
   *[other] Ещё { $count } изменений раньше не показаны.
}
web-everybody = все
web-export-csv = Таблица
web-export-jsonl = Файл для программ
web-first-median = первый отклик, половина за
web-first-p90 = первый отклик, девять из десяти за
web-given = задач
web-history = История комнаты
web-hours = Часов (0: всё)
web-keep = Сохранить и дальше
web-no-answers = За это время никто ничего не ответил.
web-no-events = Ничего подходящего не было.
web-older = Раньше
web-open = открыто
web-paces = Как быстро отвечали люди
web-print = Состояние на бумаге
web-report = Отчёт
web-standby = Работает другая машина
web-standby-help = Она продолжит сама, если та остановится. Страница обновляется сама каждые несколько секунд.
web-elsewhere = Эта машина наготове; работает { $name }.
web-elsewhere-unknown = Эта машина наготове; какая работает, неизвестно.
web-elsewhere-as-of = На момент изменения { $revision }, { $time }.
web-elsewhere-open = Открыть работающую машину
web-elsewhere-online = Это знает только работающая машина
web-state-at = Состояние на { $time }
web-task-paces = Как быстро отвечали на задачи
web-unreadable = Историю не удаётся прочитать
web-unreadable-help = Почему, написано в журнале службы. Доске это не мешает.
web-waiting = ждут
