"""sni.py COMMAND: what a tray host does on the session bus. Run by the system's Python (python3-dbus), not by the tests' own.

    prepare       gives a dbusmock at org.kde.StatusNotifierWatcher its methods and properties
    item          prints the properties and the menu of the one item as JSON
    click LABEL   chooses the menu entry whose label begins so
    items         what a real watcher has registered
    press COUNT   as the notification service (a dbusmock): the button of the notifications 1 to COUNT
"""

import json
import sys

import dbus

WATCHER, ITEM, MENU = "org.kde.StatusNotifierWatcher", "org.kde.StatusNotifierItem", "com.canonical.dbusmenu"
bus = dbus.SessionBus()


def prepare():
    mock = dbus.Interface(bus.get_object(WATCHER, "/StatusNotifierWatcher"), "org.freedesktop.DBus.Mock")
    mock.AddProperty(WATCHER, "IsStatusNotifierHostRegistered", len(sys.argv) < 3)
    mock.AddMethod(WATCHER, "RegisterStatusNotifierItem", "s", "", "")


def find():
    for name in bus.list_names():
        if name.startswith(":"):
            try:
                item = bus.get_object(name, "/StatusNotifierItem", introspect=False)
                return name, dbus.Interface(item, "org.freedesktop.DBus.Properties").GetAll(ITEM, timeout=2)
            except dbus.DBusException:
                pass
    raise SystemExit("no item on this bus")


def menu(name, path):
    return dbus.Interface(bus.get_object(name, path, introspect=False), MENU)


def entry(node):
    number, properties, children = node
    return {"id": int(number), **{str(k): v for k, v in properties.items()}, "children": [entry(c) for c in children]}


def plain(value):
    if isinstance(value, dbus.Boolean):
        return bool(value)
    if isinstance(value, (int, dbus.Byte)):
        return int(value)
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    return str(value)


def item():
    name, properties = find()
    revision, layout = menu(name, properties["Menu"]).GetLayout(0, -1, dbus.Array([], "s"), signature="iias")
    width, height, pixels = properties["IconPixmap"][0]
    properties["IconPixmap"] = [int(width), int(height), len(pixels)]
    properties["AttentionIconPixmap"] = properties["ToolTip"] = [str(properties["ToolTip"][2]), str(properties["ToolTip"][3])]
    print(json.dumps({"item": plain(dict(properties)), "menu": plain(entry(layout)), "revision": int(revision)}))


def walk(node):
    yield node
    for child in node["children"]:
        yield from walk(child)


def click():
    name, properties = find()
    m = menu(name, properties["Menu"])
    _, layout = m.GetLayout(0, -1, dbus.Array([], "s"), signature="iias")
    chosen = next(e for e in walk(entry(layout)) if str(e.get("label", "")).startswith(sys.argv[2]))
    m.Event(chosen["id"], "clicked", dbus.String("", variant_level=1), 0, signature="isvu")


def items():
    watcher = dbus.Interface(bus.get_object(WATCHER, "/StatusNotifierWatcher"), "org.freedesktop.DBus.Properties")
    print(json.dumps(plain(watcher.Get(WATCHER, "RegisteredStatusNotifierItems"))))


def press():
    mock = dbus.Interface(bus.get_object("org.freedesktop.Notifications", "/org/freedesktop/Notifications"), "org.freedesktop.DBus.Mock")
    for number in range(1, int(sys.argv[2]) + 1):
        mock.EmitSignal("", "ActionInvoked", "us", dbus.Array([dbus.UInt32(number), "act"], signature="v"))


{"prepare": prepare, "press": press, "item": item, "click": click, "items": items}[sys.argv[1]]()
