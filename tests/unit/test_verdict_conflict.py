"""Sources that disagree: who is believed while a change travels through all of them."""

from __future__ import annotations

from agentdeck.models.status import Evidence, Status
from agentdeck.services.status.verdict import spent, verdict

NOW = 1_000_000
WORKING = Status("working", "hook", NOW - 5_000, checked=NOW - 250)
PROMPTED = Evidence("hook", ("working", "retrying"), NOW - 5_000, NOW - 5_000, "UserPromptSubmit hook")


def test_an_interrupt_without_a_hook_is_believed_when_file_and_screen_say_idle() -> None:
    """Esc fires no hook: the screen changes last, the status file just before, and both outweigh the older hook."""
    file = Evidence("vendor", ("idle", "failed"), NOW - 3_000, NOW, "status file says idle")
    screen = Evidence("screen", ("idle",), NOW - 2_800, NOW, "screen '❯'")
    assert verdict([PROMPTED, screen, file], NOW, WORKING).state == "idle"


def test_a_screen_alone_never_ends_a_turn() -> None:
    screen = Evidence("screen", ("idle",), NOW - 2_800, NOW, "screen '❯'")
    found = verdict([PROMPTED, screen], NOW, WORKING)
    assert (found.state, found.last_known) == ("unknown", "working")


# Recorded with Claude Code 2.1.330: a shell in the background outlives the turn, and the screen looks idle.
SHELL = Evidence("vendor", ("working",), NOW - 4_000, NOW, "status file says shell", background=True)
COMPOSER = Evidence("screen", ("idle",), NOW - 3_900, NOW, "screen '❯'")
STOPPED = Evidence("hook", ("working",), NOW - 4_100, NOW - 4_100, "Stop hook, but tasks go on", background=True)


def test_work_in_the_background_is_work_though_the_screen_looks_idle() -> None:
    assert verdict([STOPPED, SHELL, COMPOSER], NOW, WORKING).state == "working"
    assert verdict([STOPPED, COMPOSER], NOW, WORKING).state == "working"


def test_the_end_of_background_work_is_believed_once_the_model_has_had_its_word() -> None:
    def rest(since: int) -> list[Evidence]:
        return [STOPPED, COMPOSER, Evidence("vendor", ("idle", "failed"), NOW - since, NOW, "status file says idle")]

    assert verdict(rest(700), NOW, WORKING).state == "working"
    assert verdict(rest(1_300), NOW, WORKING).state == "idle"


def test_a_hook_that_the_status_file_has_long_contradicted_does_not_come_back() -> None:
    """Recorded at an /exit after Esc: the file went, the screen was blank, and the hook of before Esc said working."""
    file = Evidence("vendor", ("idle", "failed"), NOW - 3_000, NOW, "status file says idle")
    assert spent([PROMPTED, file], NOW) == [PROMPTED]
    assert verdict([PROMPTED, file], NOW, WORKING).state == "idle"


def test_a_hook_stands_while_the_status_file_may_still_follow_it() -> None:
    asked = Evidence("hook", ("needs_input",), NOW - 200, NOW - 200, "PermissionRequest hook")
    file = Evidence("vendor", ("working",), NOW - 150, NOW, "status file says busy")
    assert spent([asked, file], NOW) == []
    screen = Evidence("screen", ("idle",), NOW - 3_000, NOW, "screen '❯'")
    assert spent([PROMPTED, screen], NOW) == []  # a screen is not trusted as much


def test_the_end_of_a_turn_is_no_rest_while_the_status_file_stays_busy() -> None:
    """Recorded with a prompt in the queue: Stop fires, and the next turn begins half a second later."""
    busy = Evidence("vendor", ("working", "retrying"), NOW - 5_000, NOW, "status file says busy")

    def stopped(since: int) -> Evidence:
        return Evidence("hook", ("idle",), NOW - since, NOW - since, "Stop hook")

    assert verdict([stopped(900), busy], NOW, WORKING).state == "working"
    assert verdict([stopped(1_600), busy], NOW, WORKING).state == "idle"
    rest = Evidence("vendor", ("idle", "failed"), NOW - 800, NOW, "status file says idle")
    assert verdict([stopped(900), rest], NOW, WORKING).state == "idle"
