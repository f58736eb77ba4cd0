#!/usr/bin/python3
"""pack.py OUT MAIN.py MODULE.py...: a Python plugin and its modules as one executable file.

Python runs a zip file with a __main__.py in it, and skips a line in front of it; the standard
module zipapp makes such files too. One file is what a whitelist can pin: the modules are then as
fixed as the plugin itself. -I keeps the environment and the working directory out of what is
imported. The bytes depend on the inputs alone, so an unchanged plugin keeps its hash.
"""
import os
import sys
import zipfile


def entry(name):
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def main(out, main_file, *modules):
    with open(out, "wb") as file:
        file.write(b"#!/usr/bin/python3 -I\n")
        with zipfile.ZipFile(file, "w") as archive:
            names = {main_file: "__main__.py"} | {path: os.path.basename(path) for path in modules}
            for path, name in names.items():
                with open(path, "rb") as source:
                    archive.writestr(entry(name), source.read())
    os.chmod(out, 0o755)


if __name__ == "__main__":
    main(*sys.argv[1:])
