module Control.Distributed.Process.Node (LocalNode, forkProcess) where

import Standin
