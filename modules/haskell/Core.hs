{-# LANGUAGE DeriveGeneric #-}
-- | What stays: the messages, the shape of the state, and how another version is loaded. The module is compiled against this; where
-- State changes, so must all that was compiled.
module Core
  ( Style (..), Ping (..), Pong (..), Order (..), Upgraded (..), Message (..), State (..), Entry
  , Table, newTable, at, place, started, boot, reload, reboot
  ) where

import Control.Distributed.Process
import Data.Binary (Binary)
import Data.IORef
import Data.Map.Strict (Map)
import qualified Data.Map.Strict as Map
import GHC.Clock (getMonotonicTime)
import GHC.Generics (Generic)
import System.IO.Unsafe (unsafePerformIO)
import Text.Printf (printf)

import Linker

-- | What a process does with the new version when it has been loaded.
data Style
  = Same    -- ^ goes on in it, with its state and its mailbox: the last call of the old code is the new code
  | OldCode -- ^ goes on as if nothing had been loaded
  | Respawn -- ^ is ended, and a new process begins (the seed's @reboot@)
  | Nested  -- ^ goes on in it, but the old code waits for it to return
  | None    -- ^ ends
  deriving (Show, Read, Eq)

data Ping = Ping { from :: ProcessId, stream :: Int, number :: Int, process :: Int } deriving (Show, Generic)
data Pong = Pong { ping :: Ping, version :: Maybe Int, life :: Int, count :: Int } | NoMore deriving (Show, Generic)
data Order = Order { wanted :: Int, whom :: ProcessId } deriving (Show, Generic)
data Upgraded = Upgraded { trigger :: Ping, problem :: Maybe String } deriving (Show, Generic)
data Message = Asked Ping | Ordered Order deriving (Show, Generic)
instance Binary Ping
instance Binary Pong
instance Binary Order
instance Binary Upgraded
instance Binary Message

-- | A process's state. @order@: the upgrade to carry out on the next ping.
data State = State { style :: Style, table :: Table, incarnation :: Int, answered :: Int, order :: Maybe Order }

-- | The module's one value. The ping is one that its predecessor has taken from the mailbox and not answered.
type Entry = Maybe Ping -> State -> Process ()

-- | Which process goes by which number, and how many have been made.
data Table = Table { processes :: IORef (Map Int ProcessId), made :: IORef Int }

newTable :: IO Table
newTable = Table <$> newIORef Map.empty <*> newIORef 0

at :: Table -> Int -> Process (Maybe ProcessId)
at them which = Map.lookup which <$> liftIO (readIORef (processes them))

place :: Table -> Int -> ProcessId -> Process ()
place them which who = liftIO $ atomicModifyIORef' (processes them) (\old -> (Map.insert which who old, ()))

-- | The state of one that has just been made.
started :: Style -> Table -> Process State
started how them = do
  incarnationNumber <- liftIO $ atomicModifyIORef' (made them) (\n -> (n + 1, n + 1))
  return (State how them incarnationNumber 0 Nothing)

-- | The object that is loaded now.
{-# NOINLINE loadedNow #-}
loadedNow :: IORef (Maybe FilePath)
loadedNow = unsafePerformIO (newIORef Nothing)

-- | Unloads what is loaded, and loads that version. Who runs in the old code can go on running in it.
boot :: Int -> IO (Either String Entry)
boot wantedNow = do
  let path = "PingPong-" ++ show wantedNow ++ ".o"
  quiet
  began <- getMonotonicTime
  readIORef loadedNow >>= mapM_ unload
  entry <- load path "PingPong_entry_closure"
  case entry of
    Left why -> Left (path ++ " " ++ why) <$ writeIORef loadedNow Nothing
    Right new -> do
      writeIORef loadedNow (Just path)
      ended <- getMonotonicTime
      putStrLn (printf "version %d is loaded, within %.2f ms" wantedNow ((ended - began) * 1000))
      return (Right new)

-- | What a process calls to be upgraded on this ping: the new version's entry, with which it may do what it likes.
reload :: Ping -> Order -> Process (Maybe Entry)
reload it ordered = do
  entry <- liftIO (boot (wanted ordered))
  send (whom ordered) (Upgraded it (either Just (const Nothing) entry))
  return (either (const Nothing) Just entry)

-- | The same, but the new version begins as a new process under the caller's number. The caller's mailbox goes with the caller.
reboot :: Ping -> Order -> State -> Process ()
reboot it ordered old = do
  entry <- liftIO (boot (wanted ordered))
  case entry of
    Right enter -> do
      fresh <- started (style old) (table old)
      spawnLocal (enter Nothing fresh) >>= place (table old) (process it)
    Left _ -> return ()
  send (whom ordered) (Upgraded it (either Just (const Nothing) entry))
