"""LevelDB, read without its library.

There is no LevelDB package for every supported Python, and the library opens a database only to
write: it takes a lock, replays the log into new tables and starts a new one. Reading is sorted
tables, a log and a manifest, and each has a file here.
"""

from chainer_ft.caffe.data.leveldb.database import LeveldbDatabase as LeveldbDatabase
