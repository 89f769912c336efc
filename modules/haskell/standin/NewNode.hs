module NewNode (newNode) where

import Standin
