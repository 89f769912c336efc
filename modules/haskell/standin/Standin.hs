{-# LANGUAGE ConstraintKinds, DeriveGeneric, GeneralizedNewtypeDeriving #-}
-- | A stand-in for Cloud Haskell where distributed-process is not installed: its names and the meaning that they have on one node.
-- Processes are threads with a mailbox; a message to a dead process is dropped; receiving is selective by type. Messages are not
-- written as bytes, though what can be sent must be what could be.
module Standin where

import Control.Concurrent (forkIO)
import Control.Concurrent.STM
import Control.Exception (finally)
import Control.Monad (void)
import Control.Monad.IO.Class (MonadIO, liftIO)
import Control.Monad.Trans.Reader (ReaderT (..), ask)
import Data.Binary (Binary)
import Data.Dynamic (Dynamic, Typeable, fromDynamic, toDyn)
import Data.Foldable (toList)
import Data.Maybe (isJust)
import qualified Data.Map.Strict as Map
import qualified Data.Sequence as Seq
import GHC.Generics (Generic)
import System.Timeout (timeout)

type Serializable a = (Binary a, Typeable a)

newtype ProcessId = ProcessId Int deriving (Eq, Ord, Show, Generic)
instance Binary ProcessId

newNode :: IO LocalNode
newNode = LocalNode <$> newTVarIO Map.empty <*> newTVarIO 1

type Mailbox = TVar (Seq.Seq Dynamic)

-- | The mailboxes of the living, and the next number.
data LocalNode = LocalNode { living :: TVar (Map.Map Int Mailbox), next :: TVar Int }

data Self = Self { node :: LocalNode, self :: ProcessId, mailbox :: Mailbox }

newtype Process a = Process (ReaderT Self IO a) deriving (Functor, Applicative, Monad, MonadIO)

forkProcess :: LocalNode -> Process () -> IO ProcessId
forkProcess here (Process body) = do
  (number, box) <- atomically $ do
    number <- readTVar (next here)
    writeTVar (next here) (number + 1)
    box <- newTVar Seq.empty
    modifyTVar' (living here) (Map.insert number box)
    return (number, box)
  void $ forkIO $ runReaderT body (Self here (ProcessId number) box)
    `finally` atomically (modifyTVar' (living here) (Map.delete number))
  return (ProcessId number)

spawnLocal :: Process () -> Process ProcessId
spawnLocal body = Process ask >>= \me -> liftIO (forkProcess (node me) body)

getSelfPid :: Process ProcessId
getSelfPid = self <$> Process ask

send :: Serializable a => ProcessId -> a -> Process ()
send (ProcessId number) message = do
  me <- Process ask
  liftIO $ atomically $ do
    found <- Map.lookup number <$> readTVar (living (node me))
    mapM_ (\box -> modifyTVar' box (Seq.|> toDyn message)) found

-- | The first message of this type; those of other types stay where they are.
expect :: Serializable a => Process a
expect = do
  me <- Process ask
  liftIO $ atomically $ do
    waiting <- readTVar (mailbox me)
    let (others, rest) = Seq.breakl (isJust . wanted) waiting
        wanted message = fromDynamic message `asTypeOf` found
        found = case toList rest of { first : _ -> fromDynamic first; [] -> Nothing }
    case found of
      Just message -> message <$ writeTVar (mailbox me) (others <> Seq.drop 1 rest)
      Nothing -> retry

-- | Waits at most so many microseconds.
expectTimeout :: Serializable a => Int -> Process (Maybe a)
expectTimeout micros = Process $ ReaderT $ \me -> let Process receive = expect in timeout micros (runReaderT receive me)
