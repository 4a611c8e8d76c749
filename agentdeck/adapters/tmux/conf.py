"""The configuration of our own tmux server: no prefix, no status line, nothing of the user's."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

TEXT = r"""# Written by agentdeck at every start of its tmux server. Changes are overwritten.
set -s default-terminal tmux-256color
set -as terminal-features ',*:RGB'
set -s escape-time 0
set -s focus-events on
set -s exit-empty on
# A program in a pane may not write the clipboard; copying by mouse in an attached terminal does.
set -s set-clipboard external

set -g history-limit 5000
set -g default-size 120x40
set -g status off
set -g update-environment ''
set -g destroy-unattached off
set -g detach-on-destroy on
set -g bell-action none
set -g visual-activity off

# A dead agent's last screen stays, without a notice that would scroll a line of it away (tmux 3.3).
set -g remain-on-exit on
set -gq remain-on-exit-format ''
set -g allow-rename off
set -g automatic-rename off
set -g monitor-activity off

# Every key belongs to the agent but the two that detach.
set -g prefix None
set -g prefix2 None
unbind -a -q -T prefix
unbind -a -q -T root
bind -n C-q detach-client
bind -n 'C-]' detach-client

# The wheel scrolls back, a drag selects, unless the program asked for the mouse itself.
set -g mouse on
bind -n MouseDown1Pane send -M
bind -n WheelUpPane if -F '#{||:#{pane_in_mode},#{mouse_any_flag}}' 'send -M' 'copy-mode -e'
bind -n WheelDownPane send -M
bind -n MouseDrag1Pane if -F '#{||:#{pane_in_mode},#{mouse_any_flag}}' 'send -M' 'copy-mode -M'
"""
# Never add a global `window-size manual` here: it kills the server of tmux 3.3 to 3.6a at the next new-session.


def write(conf: Path) -> None:
    """Write the configuration to `conf` by rename, so that a server starting now reads all of it or the last one."""
    conf.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=conf.parent, prefix=".tmux-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(TEXT)
        os.replace(name, conf)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
