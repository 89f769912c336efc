-- | It has the right name and compiles, but needs something that nobody has.
module PingPong (entry) where

import Control.Distributed.Process
import Core

foreign import ccall "nobody_has_this" nobodyHasThis :: IO ()

entry :: Entry
entry _ _ = liftIO nobodyHasThis
