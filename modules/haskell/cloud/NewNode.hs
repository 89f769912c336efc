module NewNode (newNode) where

import Control.Distributed.Process.Node (LocalNode, initRemoteTable, newLocalNode)
import Network.Transport.InMemory (createTransport)

-- | A node of the real Cloud Haskell that talks to nobody outside of its OS process.
newNode :: IO LocalNode
newNode = createTransport >>= \transport -> newLocalNode transport initRemoteTable
