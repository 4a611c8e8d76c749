"""What a harness file may say. A product is data; every key here is documented where it is read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agentdeck.models.status import Reason, State


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Start(Strict):
    """How a client is started.

    Placeholders: {session} {settings} {agent_dir} {harness_dir} {transcript} {model} {worktree} {python}.
    `argv` starts a new session, `resume` the agent's last one; `model` is added when a model
    was named, then what the reader `words` gives, and the human's own ARGS come last. `env` is set
    whatever the human has set, `env_default` only where they have set nothing.
    """

    argv: list[str]
    resume: list[str] = []
    model: list[str] = []
    words: str = ""  # the harness whose module `start` makes more words of the command line (its hooks)
    env: dict[str, str] = {}
    env_default: dict[str, str] = {}
    statusline_from: str = ""  # "FILE:KEY.KEY" of the human's own statusline command, which ours hands on to
    settings: str = ""  # text of {agent_dir}/settings.json; {hook} and {statusline} are commands
    session_ids: bool = False  # the client takes a session id that we choose


class Pattern(Strict):
    """A sign on the screen, looked for in its last `lines` non-blank rows. It fits the states of `also` too.

    `unless`: what takes it back when it stands on a row below it, `nowhere`: on any of those rows. `still`: it counts
    only for a recorded screen, of which nothing else is known (`harnesses check`): a living client may show it in other
    states for a moment. `begins`: the first row of what it asks.
    """

    state: State
    also: list[State] = []
    match: str
    reason: Reason = ""
    lines: int = 12
    unless: str = ""
    nowhere: str = ""
    begins: str = ""
    still: bool = False


class Title(Strict):
    """A sign in the pane title; a title that matches nothing asserts nothing."""

    match: str
    states: list[State]


class Hook(Strict):
    """What one hook event asserts. `unless_field` names a payload list that must be empty for it to hold."""

    states: list[State]
    reason: Reason = ""
    unless_field: str = ""


class StatusFile(Strict):
    """A file in which the client itself keeps its state, by process id. `path` may use {home} {config_home} {pid}.

    `background`: words for work that goes on while the screen looks idle.
    """

    path: str
    field: str = "status"
    ask_field: str = ""
    session_field: str = ""
    changed_field: str = ""
    states: dict[str, list[State]]
    background: list[str] = []
    reasons: dict[str, Reason] = {}  # value of ask_field -> reason


Attribute = Annotated[str, Field(pattern=r"^(dim|fg:(\d{1,3}|#[0-9a-f]{6}))$")]
"""How cells look: dim, or in a foreground colour (of the 256 by number, or 24-bit)."""


class Composer(Strict):
    """Where the human types, and what in it is not a draft.

    `rules`: the composer is every row between the two lowest rows of one of the `rule` characters;
    `line`: the rows from `prompt` down to the cursor (with `again`, every row of a draft begins with the prompt;
    `mode` is a pattern of a word that may stand before it); `box`: the lowest rows that begin with `prompt` and
    stand on a row that begins with `floor`, but for the last `foot` of them; `shell`: what follows a prompt
    that may be anybody's own, on the row of the cursor; `none`: the client has no composer. Cells with one of
    `placeholder` attributes are the client's own words, not a draft. A theme changes colours: a composer that
    shows `hint` (a pattern) from its beginning is empty too. `badge` is what it shows in place of a long paste
    (a pattern; its groups `lines` and `chars` are compared with the text).
    """

    kind: Literal["rules", "line", "box", "shell", "none"] = "none"
    prompt: str = ""
    rule: str = "─"
    floor: str = ""
    foot: int = 0
    placeholder: list[Attribute] = []
    hint: str = ""
    always: bool = False  # an empty composer shows its placeholder: bare blanks are a draft that begins with them
    again: bool = False
    mode: str = ""
    cursor_cell: bool = False  # the client draws its own cursor as one reverse cell
    badge: str = ""


class Typing(Strict):
    """What the client makes of a text, and how a text is kept from being taken for something else.

    A text that begins with one of `commands` (after blanks) is put between `before` and `after`, so that it is words
    all the same. A text whose last word begins with one of `completes` gets a blank behind it. `wrap` matches what
    the client puts around a paste when it reports a prompt. A paste must have stood for `enter_seconds` at least
    before Enter, for a client that takes one too close behind it for a newline.
    """

    enter_seconds: float = 0.0
    commands: str = ""
    before: str = ""
    after: str = ""
    completes: str = ""
    wrap: str = ""


class Answer(Strict):
    """The client's documented keys for a permission question (tmux key names).

    `lit`: `allow` means it only while these words are highlighted: they stand on a background of their own. `free`:
    a pattern of the option of a question that opens a line to type in.
    """

    allow: list[str] = []
    deny: list[str] = []
    lit: str = ""
    option: Literal["", "digit"] = ""  # how a numbered option is chosen
    free: str = ""


class Login(Strict):
    """By what it can be told, without reading a secret, that a client may talk to its provider.

    One of the variables `env` is set, or one of `files` (may use {home} {config_home}) exists; else `command` helps.
    """

    env: list[str] = []
    files: list[str] = []
    command: str = ""


class Keys(Strict):
    interrupt: list[str] = []
    exit: list[str] = []  # keys, then `exit_text` typed with Enter
    exit_text: str = ""
    newline: list[str] = []  # Shift+Enter


class Transcript(Strict):
    """Where the client records what it did.

    `reader` names the harness whose reader reads it; paths are globs and may use {home} {config_home} {slug}
    {worktree} {session} {session_head} (its first eight characters). `database` is one, for a client whose sessions
    are rows of a database: the reader knows how to find a session there. `sessions` names the harness whose module
    `sessions` finds the newest conversation of a directory, for a client that neither takes an id nor told one;
    with `follow` an agent is taken to have gone on to it, for a client that begins a new one without telling.
    """

    reader: str = ""
    path: str = ""
    subagents: str = ""
    database: str = ""
    sessions: str = ""
    follow: bool = False


class Headless(Strict):
    """How the client works on one prompt, given on standard input, without a terminal; an edit needs no permission.

    Placeholders: {python} {model} {session} (an id that we choose) {transcript}. What it prints is read by the module
    `headless` of the product; without one, `result` and `cost` (dollars) are keys of the last JSON line that has them.
    """

    argv: list[str] = []
    model: list[str] = []
    result: str = ""
    cost: str = ""


class Harness(Strict):
    name: str
    title: str
    binary: str = ""  # looked up on the agent's PATH; '' when the human gives the command
    install: str = ""  # the command that installs it, shown when it is missing
    takes_tasks: bool = True
    own_command: bool = False  # ARGS are the command (`shell`)
    ready_seconds: float = 60.0
    # So long idle must have stood before a text is pasted: some paint their composer before a dialog covers it.
    settle_seconds: float = 0.0
    start: Start
    headless: Headless = Headless()
    hooks: dict[str, Hook] = {}
    titles: list[Title] = []
    patterns: list[Pattern] = []
    status_file: StatusFile | None = None
    composer: Composer = Composer()
    typing: Typing = Typing()
    answer: Answer = Answer()
    keys: Keys = Keys()
    transcript: Transcript = Transcript()
    foreign: str = ""  # the harness whose module `foreign` finds sessions that were started outside the deck
    config_env: str = ""  # the variable with which a human moves the client's own configuration directory
    login: Login = Login()
    hooks_off: str = ""  # "FILE:KEY" of the human's own setting that silences every hook, ours too
    config_default: str = ""  # where it is otherwise; may use {home}
    # Hook events that prove a prompt arrived; without any, it is the emptied composer.
    acknowledge: list[str] = Field(default_factory=list)
    resize_safe: bool = False
    still_seconds: float = 0.0  # while it works it writes something at least this often; 0: it may be silent for long
    process_status: bool = False  # status from the process table and silence
