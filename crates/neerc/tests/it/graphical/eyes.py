"""Sees and uses the windows of one display as a screen reader does (AT-SPI): by the roles and names of what is in them.

Reads requests, one JSON list a line, and answers each with one JSON value a line. A request looks or acts once and never
waits: whether something is there yet is for whoever asks to ask again. WINDOW is how a title begins.

  ["texts", WINDOW, PART]           every text shown in these windows that contains PART
  ["can_press", WINDOW, NAME]       whether there is a button that can be pressed; null if there is no button
  ["press", WINDOW, NAME]           presses a button; false if there is none that can be pressed
  ["choose", WINDOW, NAME]          selects a row of a list or table
  ["click", WINDOW, NAME, ACROSS]   clicks in the row of a table, so many pixels behind the beginning of its text
  ["fill", WINDOW, LABEL, TEXT]     fills in the field beside that label
  ["call", NAME, PATH, METHOD, PARAMETERS]   a method on D-Bus, with parameters as GVariant writes them
  ["picture", PATH]                 keeps what the display shows; ["picture", PATH, WINDOW] that window, in few colours
  ["tree"]                          everything that is there, for a person to read
"""
import ctypes
import json
import os
import sys
import warnings

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402

warnings.simplefilter("ignore")

Atspi.init()
DESKTOP = Atspi.get_desktop(0)
STATES = Atspi.StateType
BUTTONS = {"push button", "button", "menu item", "toggle button"}
CALL_MS = 5_000
COLOURS = 96


def children(node):
    for place in range(node.get_child_count()):
        child = node.get_child_at_index(place)
        if child is not None:
            yield child


def has(node, *states):
    known = node.get_state_set()
    return all(known.contains(state) for state in states)


def shown(node):
    """What is shown in a window, from the outside in."""
    yield node
    for child in children(node):
        if has(child, STATES.SHOWING):
            yield from shown(child)


def of(title):
    for application in children(DESKTOP):
        for window in children(application):
            if (window.get_name() or "").startswith(title) and has(window, STATES.SHOWING):
                yield from shown(window)


def text(node):
    if "Text" in node.get_interfaces():
        return Atspi.Text.get_text(node, 0, Atspi.Text.get_character_count(node))
    return ""


def texts(title, part):
    found = (said or "" for node in of(title) for said in {node.get_name(), text(node)})
    return [said for said in found if part in said]


def button(title, name):
    return next((node for node in of(title) if node.get_role_name() in BUTTONS and node.get_name() == name), None)


def can_press(title, name):
    found = button(title, name)
    return None if found is None else has(found, STATES.SENSITIVE)


def press(title, name):
    return bool(can_press(title, name)) and Atspi.Action.do_action(button(title, name), 0)


def choose(title, name):
    for node in of(title):
        if name not in (node.get_name(), text(node)):
            continue
        place, parent = node.get_index_in_parent(), node.get_parent()
        if parent is not None and "Selection" in parent.get_interfaces():
            return Atspi.Selection.select_child(parent, place)
    return False


def middle(node):
    place = node.get_extents(Atspi.CoordType.WINDOW)
    return place.x + place.width / 2, place.y + place.height / 2


def fill(title, name, words):
    nodes = list(of(title))
    labels = [node for node in nodes if node.get_role_name() == "label" and name == node.get_name()]
    fields = [node for node in nodes if "EditableText" in node.get_interfaces() and has(node, STATES.EDITABLE)]
    if not labels or not fields:
        return False
    _, line = middle(labels[0])
    field = min(fields, key=lambda field: abs(middle(field)[1] - line))
    return Atspi.EditableText.set_text_contents(field, words) and text(field) == words


def click(title, name, across):
    for cell in of(title):
        if name in (cell.get_name(), text(cell)):
            place = cell.get_extents(Atspi.CoordType.SCREEN)
            return Atspi.generate_mouse_event(place.x + across, place.y + place.height // 2, "b1c")
    return False


def call(name, path, method, parameters):
    interface, method = method.rsplit(".", 1)
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    parameters = GLib.Variant.parse(None, parameters)
    return bus.call_sync(name, path, interface, method, parameters, None, Gio.DBusCallFlags.NONE, CALL_MS).print_(False)


def picture(path, title=None):
    from PIL import ImageGrab
    if title is None:
        ImageGrab.grab(xdisplay="").save(path)
        return True
    place = next(of(title)).get_extents(Atspi.CoordType.SCREEN)
    image = ImageGrab.grab((place.x, place.y, place.x + place.width, place.y + place.height), xdisplay="")
    image.quantize(COLOURS).save(path, optimize=True)
    return True


def tree(node=DESKTOP, depth=0):
    words = text(node)
    line = f"{'  ' * depth}{node.get_role_name()} {node.get_name()!r}" + (f" {words!r}" if words else "")
    lines = [line]
    for child in children(node):
        if depth < 2 or has(child, STATES.SHOWING):
            lines += tree(child, depth + 1)
    return lines


ACTS = {act.__name__: act for act in (texts, press, choose, click, can_press, fill, call, picture, tree)}


def announce(address):
    """Tells Qt, which does not look into the environment, where AT-SPI is spoken: by a property of the root window."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XDefaultRootWindow.restype = x11.XInternAtom.restype = ctypes.c_ulong
    display = ctypes.c_void_p(x11.XOpenDisplay(None))
    root = ctypes.c_ulong(x11.XDefaultRootWindow(display))
    name = ctypes.c_ulong(x11.XInternAtom(display, b"AT_SPI_BUS", 0))
    text, replaced = ctypes.c_ulong(31), 0  # XA_STRING, PropModeReplace
    x11.XChangeProperty(display, root, name, text, 8, replaced, address.encode(), len(address))
    x11.XSync(display, 0)


def main():
    announce(os.environ["AT_SPI_BUS_ADDRESS"])
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        act, *arguments = json.loads(line)
        # Nothing is remembered from one request to the next: of what changes meanwhile one would have to hear by events.
        DESKTOP.clear_cache()
        try:
            answer = ACTS[act](*arguments)
        except Exception as error:  # what was looked at has gone, or its program is busy
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
